"""Tests for vcycle.core.vacquery.cookie."""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from tests.core.vacquery.vectors import vector
from vcycle.core.vacquery.cookie import answers, cookie_for


class CookieTests(SynchronousTestCase):
    def test_recipe(self) -> None:
        """Cookies are made as all of the family make them."""
        recipe = json.loads(vector("cookie-recipe"))
        self.assertEqual(recipe["cookie"], cookie_for(recipe["salt"], recipe["factory"]))

    def test_answers(self) -> None:
        """A cookie is good for one run and one factory, in whatever case that writes its name."""
        cookie = cookie_for("salt", "factory1.example.com")
        for factory, salt, asked, good in (
            ("factory1.example.com", "salt", "factory1.example.com", True),
            ("Factory1.Example.COM", "salt", "factory1.example.com", True),
            ("factory1.example.com", "other", "factory1.example.com", False),
            ("factory2.example.com", "salt", "factory2.example.com", False),
            ("factory2.example.com", "salt", "factory1.example.com", False),
        ):
            self.assertEqual(good, answers(cookie, factory, salt=salt, asked=asked))
        self.assertFalse(answers(0, "a.test", salt="salt", asked="a.test"))
