"""Watching files of the host, and what is done when they change.

    patterns, sieve    pure: the language of .dockerignore, and what of a tree counts
    batching           pure: when changes that stream in make a batch
    tree, snapshot     what changed, by inotify(7) or by looking again and again
    watcher            a process of its own that holds all of the above: `python -m composer.supervisor.watch.watcher`
    feed               the supervisor's end of it
    rules              develop.watch of a project -> sources
    reloading          the verb `watch`: batch after batch becomes a plan

To watch something else, add a `Source` (sieve.py) with an id of your own to what `Reloading` hands to the feed: its path is a file or a
folder and need not exist. Every batch says by id which paths below it changed ("" is the path itself), so that what is to be done about
them is one more branch where `Reloading` looks at a batch. Whatever the supervisor is killed in the middle of comes again.
"""
