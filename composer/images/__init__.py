"""DRIVER: the image store of composer's own (containers/storage), read directly, written by buildah and skopeo."""
