"""Exercises of chapter 11.3, one module each."""
