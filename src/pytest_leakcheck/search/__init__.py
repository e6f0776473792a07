"""Paths, proofs and cycles over a graph of numbers: no live object, and no gc, gets in here."""
