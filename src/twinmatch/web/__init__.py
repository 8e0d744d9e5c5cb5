"""The web front: a JSON API for other platforms and the coordinator's workbench, in one application.

It asks the same door as the command line (:mod:`twinmatch.app`), so the two cannot differ. ``twinmatch serve``
runs it; any ASGI server can, with ``twinmatch.web.application:from_settings`` as the factory.
"""
