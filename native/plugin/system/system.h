/* system.h - what the core needs of an operating system: locks, threads, sockets, files. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
typedef SRWLOCK tagplug_lock;
#define TAGPLUG_LOCK SRWLOCK_INIT
typedef HANDLE tagplug_thread;
#else
#include <pthread.h>
typedef pthread_mutex_t tagplug_lock;
#define TAGPLUG_LOCK PTHREAD_MUTEX_INITIALIZER
typedef pthread_t tagplug_thread;
#endif

/* A lock is initialised by `tagplug_lock lock = TAGPLUG_LOCK` and need not be destroyed. [main] */
void tagplug_lock_take(tagplug_lock *lock);
void tagplug_lock_give(tagplug_lock *lock);
bool tagplug_lock_try(tagplug_lock *lock); /* false: another thread has it */

/* What a thread runs. */
typedef struct {
    void (*run)(void *context);
    void *context;
} tagplug_task;

/* Starts a thread for `task`, which stays until it ends; false when the system refuses. join waits
 * until it ends. [main] */
bool tagplug_thread_start(tagplug_thread *thread, const tagplug_task *task);
void tagplug_thread_join(tagplug_thread thread);
void tagplug_sleep(uint32_t milliseconds);

/* Has these called around each fork of the process: before it, and after it in the parent and in
 * the child, which has no thread but the one that forked. Where processes do not fork, or a library
 * cannot be unloaded after that (macOS), nothing is called. [main] */
void tagplug_at_fork(void (*before)(void), void (*parent)(void), void (*child)(void));

/* A socket that sends UDP datagrams to 127.0.0.1 and never waits; -1 when the system refuses. What
 * cannot be sent is lost. */
intptr_t tagplug_udp_open(void);
void tagplug_udp_send(intptr_t socket, uint16_t port, const void *bytes, size_t size);
void tagplug_udp_close(intptr_t socket);

/* The folder of the models built on this machine, see models.h; false when there is none, or
 * it does not fit. */
bool tagplug_models_folder(char *path, size_t size);
FILE *tagplug_open(const char *path); /* to read; the path is UTF-8 */
