"""Intake: forms to fill in, checks that an analyst would make, and profiles written from what cities have."""
