"""A module that may not be in a zygote."""

from tests.support_tests import toy

toy.background_thread()
