#include "background.h"

#include <stdatomic.h>

#include "system.h"

enum { PASS_MS = 10 };

static struct {
    tagplug_lock gate; /* held while the thread is started or ended */
    tagplug_lock list; /* held for one job at a time */
    tagplug_job *first;
    tagplug_thread thread;
    bool running, forks; /* the latter: fork handlers are registered */
    _Atomic bool stop;
} background = {.gate = TAGPLUG_LOCK, .list = TAGPLUG_LOCK};

/* Runs the job at this place in the list; false where the list ends. */
static bool visit(uint32_t place, uint32_t pass) {
    tagplug_lock_take(&background.list);
    const tagplug_job *job = background.first;
    for (; job != NULL && place > 0; --place) job = job->following;
    if (job != NULL) job->run(job->context, pass);
    tagplug_lock_give(&background.list);
    return job != NULL;
}

static void run(void) {
    for (uint32_t pass = 1; !atomic_load(&background.stop); ++pass) {
        for (uint32_t place = 0; visit(place, pass); ++place) {}
        tagplug_sleep(PASS_MS);
    }
}

/* A child process must neither inherit locks that the thread holds nor wait for a thread that it
 * does not have. Its jobs run again once one is added. */
static void before_fork(void) {
    tagplug_lock_take(&background.gate);
    tagplug_lock_take(&background.list);
}

static void after_fork(void) {
    tagplug_lock_give(&background.list);
    tagplug_lock_give(&background.gate);
}

static void after_fork_in_child(void) {
    background.running = false;
    after_fork();
}

void tagplug_background_add(tagplug_job *job) {
    tagplug_lock_take(&background.gate);
    if (!background.forks) tagplug_at_fork(before_fork, after_fork, after_fork_in_child);
    background.forks = true;
    tagplug_lock_take(&background.list);
    job->following = background.first;
    background.first = job;
    tagplug_lock_give(&background.list);
    if (!background.running) {
        atomic_store(&background.stop, false);
        background.running = tagplug_thread_start(&background.thread, run);
    }
    tagplug_lock_give(&background.gate);
}

void tagplug_background_remove(tagplug_job *job) {
    tagplug_lock_take(&background.gate);
    tagplug_lock_take(&background.list);
    tagplug_job **place = &background.first;
    while (*place != NULL && *place != job) place = &(*place)->following;
    if (*place != NULL) *place = job->following;
    const bool last = background.first == NULL;
    tagplug_lock_give(&background.list);
    if (last && background.running) {
        atomic_store(&background.stop, true);
        tagplug_thread_join(background.thread);
        background.running = false;
    }
    tagplug_lock_give(&background.gate);
}
