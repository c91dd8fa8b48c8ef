/* background.h - one thread of the process beside the audio threads, for all jobs that do not
 * belong there. */
#pragma once

#include <stdint.h>

/* A job is run every 10 ms; `pass` counts. Its owner keeps it until it is removed. */
typedef struct tagplug_job {
    void (*run)(void *context, uint32_t pass); /* [background] */
    void *context;
    struct tagplug_job *following; /* of the list */
} tagplug_job;

/* The first job starts the thread, removing the last one ends it. If the thread cannot be started,
 * jobs do not run. A removed job is not running and will not run again. [main] */
void tagplug_background_add(tagplug_job *job);
void tagplug_background_remove(tagplug_job *job);
