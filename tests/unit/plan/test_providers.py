"""Services that other programs provide: their plans, and what the others get of them."""

from __future__ import annotations

from composer.model.blueprint import Blueprint
from composer.model.provider import Provider
from composer.observed import Observed
from composer.plan.images import image_steps, pull_steps
from composer.plan.options import PullOptions, UpOptions
from composer.plan.providers import contained, given, provide, withdraw
from composer.plan.reconcile import reconcile
from tests.builders import IMAGE_ID, project, service

ACME = Provider(type="acme")
SHOP = project(service("net", provider=ACME), service("db", provider=ACME, needs=["net"]),
               service("web", needs=["db"], environment={"OWN": "1"}), service("other"))
VALUES = {"db": {"DB_URL": "u", "OWN": "2"}, "net": {"NET": "n"}}


def test_they_are_asked_where_they_need_each_other() -> None:
    """Only those that are to be brought up; backwards on the way down."""
    assert str(provide(SHOP, SHOP.services)).splitlines() == [
        "1. provide service/net: asked for", "2. provide service/db: asked for [after 1]"]
    assert str(provide(SHOP, ["net", "web"])) == "1. provide service/net: asked for"
    assert str(withdraw(SHOP, SHOP.services)).splitlines() == ["1. withdraw service/db: asked for", "2. withdraw service/net: asked for"]


def test_dependents_get_the_variables() -> None:
    """Those that depend on the service, and no others; what they set themselves wins."""
    services = contained(SHOP, VALUES).services
    assert services.keys() == {"web", "other"}
    assert services["web"].environment == {"DB_URL": "u", "OWN": "1"} and not services["web"].depends_on
    assert not services["other"].environment
    blueprint = given(SHOP, Blueprint.of(SHOP.services["web"], SHOP), VALUES)
    assert blueprint.service.environment == {"DB_URL": "u", "OWN": "1"}


def test_they_have_no_containers_and_no_images() -> None:
    """Nothing is pulled or made for them, also when they alone are named."""
    observed = Observed(images={"web:1": IMAGE_ID, "other:1": IMAGE_ID})
    assert "shop-db-1" not in str(reconcile(SHOP, observed, UpOptions()))
    assert not reconcile(SHOP, observed, UpOptions(services=("db",)))
    assert not image_steps(SHOP.services.values(), observed, UpOptions())
    assert "db:1" not in str(pull_steps(SHOP.services.values(), Observed(), PullOptions()))
