"""The monitor's pages, API and metrics: they read the database and the states, never a node.

==================  ================================================================================
:mod:`.app`         the application: its routes
:mod:`.events`      server-sent events: results, alarms and titles as they come
:mod:`.follower`    what changed between two looks at the states
:mod:`.listening`   a station's stream, passed on
:mod:`.metrics`     metrics for Prometheus
:mod:`.pages`       the documents of the pages, and the sign-in
:mod:`.questions`   what a request asks for
:mod:`.server`      the server, on a thread
:mod:`.views`       what the pages show, as JSON
==================  ================================================================================
"""
