#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "system.h"

void tagplug_lock_take(tagplug_lock *lock) {
    (void)pthread_mutex_lock(lock);
}

void tagplug_lock_give(tagplug_lock *lock) {
    (void)pthread_mutex_unlock(lock);
}

bool tagplug_lock_try(tagplug_lock *lock) {
    return pthread_mutex_trylock(lock) == 0;
}

static void *run(void *context) {
    const tagplug_task *task = context;
    task->run(task->context);
    return NULL;
}

bool tagplug_thread_start(tagplug_thread *thread, const tagplug_task *task) {
    /* The host's signals are for the host's own threads, and so is its real-time priority. */
    sigset_t all, before;
    pthread_attr_t common;
    sigfillset(&all);
    if (pthread_attr_init(&common) != 0) return false;
    (void)pthread_attr_setinheritsched(&common, PTHREAD_EXPLICIT_SCHED);
    const bool masked = pthread_sigmask(SIG_SETMASK, &all, &before) == 0;
    const bool started = masked && pthread_create(thread, &common, run, (void *)task) == 0;
    if (masked) (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&common);
    return started;
}

void tagplug_thread_join(tagplug_thread thread) {
    (void)pthread_join(thread, NULL);
}

void tagplug_sleep(uint32_t milliseconds) {
    const struct timespec time = {.tv_sec = milliseconds / 1000,
                                  .tv_nsec = (long)(milliseconds % 1000) * 1000000};
    (void)nanosleep(&time, NULL);
}

void tagplug_at_fork(void (*before)(void), void (*parent)(void), void (*child)(void)) {
#if defined(__APPLE__)
    (void)before, (void)parent, (void)child;
#else
    (void)pthread_atfork(before, parent, child);
#endif
}

intptr_t tagplug_udp_open(void) {
    const int made = socket(AF_INET, SOCK_DGRAM, 0);
    if (made < 0) return -1;
    (void)fcntl(made, F_SETFD, FD_CLOEXEC);
    (void)fcntl(made, F_SETFL, O_NONBLOCK);
    return made;
}

void tagplug_udp_send(intptr_t socket, uint16_t port, const void *bytes, size_t size) {
    struct sockaddr_in to;
    memset(&to, 0, sizeof to);
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    (void)sendto((int)socket, bytes, size, 0, (const struct sockaddr *)&to, sizeof to);
}

void tagplug_udp_close(intptr_t socket) {
    if (socket >= 0) (void)close((int)socket);
}

static const char *variable(const char *name) {
    const char *value = getenv(name); // NOLINT(concurrency-mt-unsafe): a plugin sets none
    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* Writes `first` and `second`, one after the other. */
static bool join(char *path, size_t size, const char *first, const char *second) {
    const int length = snprintf(path, size, "%s%s", first, second);
    return length > 0 && (size_t)length < size;
}

/* Writes the user's folder and `rest`; without HOME it is the one that the system knows. */
static bool join_home(char *path, size_t size, const char *rest) {
    const char *home = variable("HOME");
    if (home != NULL && home[0] == '/') return join(path, size, home, rest);
    char room[4096];
    struct passwd entry, *found = NULL;
    return getpwuid_r(getuid(), &entry, room, sizeof room, &found) == 0 && found != NULL &&
           join(path, size, entry.pw_dir, rest);
}

bool tagplug_models_folder(char *path, size_t size) {
    const char *chosen = variable("PYPLUGIN_MODELS"), *data = variable("XDG_DATA_HOME");
    if (chosen != NULL && chosen[0] == '~' && (chosen[1] == '/' || chosen[1] == '\0'))
        return join_home(path, size, chosen + 1);
    if (chosen != NULL) return join(path, size, chosen, "");
    if (data != NULL && data[0] == '/') return join(path, size, data, "/pyplugin/models");
#if defined(__APPLE__)
    return join_home(path, size, "/Library/Application Support/pyplugin/models");
#else
    return join_home(path, size, "/.local/share/pyplugin/models");
#endif
}

FILE *tagplug_open(const char *path) {
    return fopen(path, "rbe");
}
