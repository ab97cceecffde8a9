"""guard.py - what a careful company has before its registry, before the one of the tests."""

from world import REGISTRY_URL

import registry_guard  # world has said where it is

USER, PASSWORD = "leadclock", "registry-pa55"


class Guard(registry_guard.Guard):
    def __init__(self, store, client_ca=None, login=(USER, PASSWORD), target=REGISTRY_URL):
        super().__init__(store, client_ca, login, target)
