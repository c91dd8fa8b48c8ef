"""The monitor's pages, API and metrics: they read the database and the states, never a node.

==================  ================================================================================
:mod:`.app`         the application: routes, and who may use them
:mod:`.events`      server-sent events: results, alarms and titles as they come
:mod:`.metrics`     metrics for Prometheus
:mod:`.server`      the server, on a thread
==================  ================================================================================
"""
