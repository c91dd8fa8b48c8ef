/* background.h - one thread of the process beside the audio threads, for all jobs that do not
 * belong there; and for a job that has to load a file, one of its own meanwhile. */
#pragma once

#include <stdatomic.h>

#include "system.h"

/* Its owner keeps it until it is removed. */
typedef struct tagplug_job {
    /* Called every 10 ms; `pass` counts. Quick, since all jobs and their owners wait for it.
     * Returns whether `load` is to run. [background] */
    bool (*run)(void *context, uint32_t pass);
    void (*load)(void *context); /* takes its time; beside `run` [a thread of its own] */
    void *context;
    /* The list's: */
    bool loads; /* the thread was started, and nobody has joined it */
    _Atomic bool loaded;
    tagplug_thread loader;
    tagplug_task task;
    struct tagplug_job *following;
} tagplug_job;

/* The first job starts the thread, removing the last one ends it. If a thread cannot be started,
 * jobs do not run. A removed job is not running and will not run again: its own load is waited for,
 * never that of another. [main] */
void tagplug_background_add(tagplug_job *job);
void tagplug_background_remove(tagplug_job *job);
