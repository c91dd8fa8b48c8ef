"""The service that listens to radio stations for months: a log of what is on air, and alarms.

=======================  ===========================================================================
:mod:`.config`           the configuration, checked
:mod:`.columns`          the values that rules and the log are made of
:mod:`.conditions`       what a rule can ask for, by name or by comparison
:mod:`.rules`            rules: a condition, how long, when, and who is notified
:mod:`.alarms`           when alarms open and close
:mod:`.segments`         what was on air from when to when
:mod:`.station_log`      all of a station's rows and events through these; no clock, no thread
:mod:`.storage`          the database
:mod:`.station`          a station: its input, its node, and its log, on a thread
:mod:`.service`          all of it, supervised
=======================  ===========================================================================
"""
