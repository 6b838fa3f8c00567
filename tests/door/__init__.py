"""Tests of the app's door."""
