"""Explanation methods: one file per family, one registry."""

from explain.methods.registry import METHODS, Method, method, method_for, methods_for

__all__ = ["METHODS", "Method", "method", "method_for", "methods_for"]
