"""Explanation methods: one file per family, one registry."""

from explain.methods.registry import METHODS, Method, method

__all__ = ["METHODS", "Method", "method"]
