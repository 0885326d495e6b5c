"""`build --print`."""

from __future__ import annotations

from composer.commands.bake import described
from composer.model.build import Build, BuildSecret
from composer.model.mounts import FileSource
from composer.model.project import Project
from composer.model.service import Service


def test_recipes_as_a_bake_file() -> None:
    """A target for each service that is built, named without dots; only what is set; contexts of services are targets."""
    build = Build(
        context="/c", args={"A": "1"}, additional_contexts={"base": "service:the.base"}, target="run", extra_hosts=("db=10.0.0.1",),
        secrets=(BuildSecret(id="token", source="t"),), tags=("other:2",),
    )
    services = {
        "web": Service(name="web", image="shop-web", build=build),
        "the.base": Service(name="the.base", image="shop-the.base", build=Build(context="/b", dockerfile_inline="FROM scratch")),
        "db": Service(name="db", image="postgres"),
    }
    secrets = {"t": FileSource(key="t", name="t", environment="TOKEN")}
    project = Project(name="shop", working_dir="/c", services=services, secrets=secrets)
    assert described(project, push=True) == {
        "group": {"default": {"targets": ["the_base", "web"]}},
        "target": {
            "the_base": {"context": "/b", "dockerfile-inline": "FROM scratch", "tags": ["shop-the.base"], "output": ["type=registry"]},
            "web": {
                "context": "/c", "contexts": {"base": "target:the_base"}, "dockerfile": "Dockerfile", "args": {"A": "1"},
                "tags": ["shop-web", "other:2"], "target": "run", "secret": ["id=token,type=env,env=TOKEN"],
                "extra-hosts": {"db": "10.0.0.1"}, "output": ["type=registry"],
            },
        },
    }
