"""Intake: forms, checks, and profiles written from what cities already have."""
