"""Exercises of chapter 11.4, one module each."""
