#include "background.h"

enum { PASS_MS = 10 };

static struct {
    tagplug_lock gate; /* held while the thread is started or ended */
    tagplug_lock list; /* held for one job at a time, never while it loads */
    tagplug_job *first;
    tagplug_thread thread;
    bool running, forks; /* the latter: fork handlers are registered */
    _Atomic bool stop;
    _Atomic uint32_t loading; /* threads */
} background = {.gate = TAGPLUG_LOCK, .list = TAGPLUG_LOCK};

static void load(void *context) {
    tagplug_job *job = context;
    job->load(job->context);
    atomic_store(&job->loaded, true);
    atomic_fetch_sub(&background.loading, 1);
}

static void start_load(tagplug_job *job) {
    job->task = (tagplug_task){load, job};
    atomic_store(&job->loaded, false);
    atomic_fetch_add(&background.loading, 1);
    job->loads = tagplug_thread_start(&job->loader, &job->task);
    if (!job->loads) atomic_fetch_sub(&background.loading, 1);
}

static void visit_job(tagplug_job *job, uint32_t pass) {
    if (job->loads && atomic_load(&job->loaded)) {
        tagplug_thread_join(job->loader);
        job->loads = false;
    }
    if (job->run(job->context, pass) && !job->loads) start_load(job);
}

/* Visits the job at this place in the list; false where the list ends. */
static bool visit(uint32_t place, uint32_t pass) {
    tagplug_lock_take(&background.list);
    tagplug_job *job = background.first;
    for (; job != NULL && place > 0; --place) job = job->following;
    if (job != NULL) visit_job(job, pass);
    tagplug_lock_give(&background.list);
    return job != NULL;
}

static void run(void *context) {
    (void)context;
    for (uint32_t pass = 1; !atomic_load(&background.stop); ++pass) {
        for (uint32_t place = 0; visit(place, pass); ++place) {}
        tagplug_sleep(PASS_MS);
    }
}

/* A child process must neither inherit what a thread does by halves nor wait for one that it does
 * not have; so a fork waits for loads, with no lock held. Jobs run again there once one is added.
 */
static void before_fork(void) {
    for (;;) {
        tagplug_lock_take(&background.gate);
        tagplug_lock_take(&background.list);
        if (atomic_load(&background.loading) == 0) return;
        tagplug_lock_give(&background.list);
        tagplug_lock_give(&background.gate);
        tagplug_sleep(1);
    }
}

static void after_fork(void) {
    tagplug_lock_give(&background.list);
    tagplug_lock_give(&background.gate);
}

static void after_fork_in_child(void) {
    background.running = false;
    for (tagplug_job *job = background.first; job != NULL; job = job->following) job->loads = false;
    after_fork();
}

void tagplug_background_add(tagplug_job *job) {
    static const tagplug_task task = {run, NULL};
    tagplug_lock_take(&background.gate);
    if (!background.forks) tagplug_at_fork(before_fork, after_fork, after_fork_in_child);
    background.forks = true;
    tagplug_lock_take(&background.list);
    job->following = background.first;
    background.first = job;
    tagplug_lock_give(&background.list);
    if (!background.running) {
        atomic_store(&background.stop, false);
        background.running = tagplug_thread_start(&background.thread, &task);
    }
    tagplug_lock_give(&background.gate);
}

void tagplug_background_remove(tagplug_job *job) {
    tagplug_lock_take(&background.list);
    tagplug_job **place = &background.first;
    while (*place != NULL && *place != job) place = &(*place)->following;
    if (*place != NULL) *place = job->following;
    tagplug_lock_give(&background.list);
    if (job->loads) tagplug_thread_join(job->loader);
    job->loads = false;
    tagplug_lock_take(&background.gate);
    tagplug_lock_take(&background.list);
    const bool last = background.first == NULL;
    tagplug_lock_give(&background.list);
    if (last && background.running) {
        atomic_store(&background.stop, true);
        tagplug_thread_join(background.thread);
        background.running = false;
    }
    tagplug_lock_give(&background.gate);
}
