/* interpose.c - counts what an audio thread must not do, in any program, by LD_PRELOAD.
 *
 *     cc -shared -fPIC -O2 -D_GNU_SOURCE -Inative/include native/tests/interpose.c -o interpose.so
 *     LD_PRELOAD=./interpose.so python ...
 *
 * Between interpose_begin and interpose_end, on the thread that calls them, it counts calls of the
 * allocator, of locks, of blocking functions and of file functions, by interposing them; and on
 * x86-64 any system call, by having the kernel send a signal for it (Linux 5.11 or later).
 * tests/node/test_realtime.py uses it through interpose_play, since Python's own calls would count
 * too.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "tagnode.h"

#if defined(__x86_64__) && defined(PR_SET_SYSCALL_USER_DISPATCH)
#define CATCHES_SYSTEM_CALLS
#endif

typedef enum { ALLOCATIONS, LOCKS, WAITS, FILES, SYSTEM_CALLS, KINDS } kind;

static _Thread_local bool counting __attribute__((tls_model("initial-exec")));
static int64_t counts[KINDS]; /* of the thread that counts */

static void count(kind of) {
    if (counting) ++counts[of];
}

/* ---- interposed functions ---- */

/* glibc's own names: dlsym itself allocates. */
extern void *__libc_malloc(size_t size);                     /* NOLINT */
extern void *__libc_calloc(size_t number, size_t size);      /* NOLINT */
extern void *__libc_realloc(void *old, size_t size);         /* NOLINT */
extern void *__libc_memalign(size_t alignment, size_t size); /* NOLINT */
extern void __libc_free(void *memory);                       /* NOLINT */

TAGNODE_API void *malloc(size_t size) {
    count(ALLOCATIONS);
    return __libc_malloc(size);
}

TAGNODE_API void *calloc(size_t number, size_t size) {
    count(ALLOCATIONS);
    return __libc_calloc(number, size);
}

TAGNODE_API void *realloc(void *old, size_t size) {
    count(ALLOCATIONS);
    return __libc_realloc(old, size);
}

TAGNODE_API void *aligned_alloc(size_t alignment, size_t size) {
    count(ALLOCATIONS);
    return __libc_memalign(alignment, size);
}

TAGNODE_API int posix_memalign(void **memory, size_t alignment, size_t size) {
    count(ALLOCATIONS);
    *memory = __libc_memalign(alignment, size);
    return *memory == NULL ? ENOMEM : 0;
}

TAGNODE_API void free(void *memory) {
    count(ALLOCATIONS);
    __libc_free(memory);
}

/* NOLINTBEGIN(bugprone-macro-parentheses): a type and a list of parameters */
#define REPLACE(of, type, name, parameters, arguments)                                             \
    TAGNODE_API type name parameters {                                                             \
        static type(*real) parameters;                                                             \
        count(of);                                                                                 \
        if (real == NULL) real = (type(*) parameters)dlsym(RTLD_NEXT, #name);                      \
        return real arguments;                                                                     \
    }
/* NOLINTEND(bugprone-macro-parentheses) */

REPLACE(LOCKS, int, pthread_mutex_lock, (pthread_mutex_t * mutex), (mutex))
REPLACE(LOCKS, int, pthread_mutex_trylock, (pthread_mutex_t * mutex), (mutex))
REPLACE(LOCKS, int, pthread_mutex_unlock, (pthread_mutex_t * mutex), (mutex))
REPLACE(LOCKS, int, pthread_rwlock_rdlock, (pthread_rwlock_t * lock), (lock))
REPLACE(LOCKS, int, pthread_rwlock_wrlock, (pthread_rwlock_t * lock), (lock))
REPLACE(LOCKS, int, pthread_cond_signal, (pthread_cond_t * condition), (condition))
REPLACE(LOCKS, int, pthread_cond_broadcast, (pthread_cond_t * condition), (condition))
REPLACE(LOCKS, int, sem_post, (sem_t * semaphore), (semaphore))
REPLACE(WAITS, int, pthread_cond_wait, (pthread_cond_t * condition, pthread_mutex_t *mutex),
        (condition, mutex))
REPLACE(WAITS, int, pthread_cond_timedwait,
        (pthread_cond_t * condition, pthread_mutex_t *mutex, const struct timespec *until),
        (condition, mutex, until))
REPLACE(WAITS, int, pthread_join, (pthread_t thread, void **result), (thread, result))
REPLACE(WAITS, int, sem_wait, (sem_t * semaphore), (semaphore))
REPLACE(WAITS, int, sem_trywait, (sem_t * semaphore), (semaphore))
REPLACE(WAITS, int, sem_timedwait, (sem_t * semaphore, const struct timespec *until),
        (semaphore, until))
REPLACE(WAITS, int, nanosleep, (const struct timespec *time, struct timespec *left), (time, left))
REPLACE(WAITS, int, clock_nanosleep,
        (clockid_t clock, int flags, const struct timespec *time, struct timespec *left),
        (clock, flags, time, left))
REPLACE(WAITS, int, usleep, (useconds_t time), (time))
REPLACE(WAITS, int, sched_yield, (void), ())
REPLACE(WAITS, int, poll, (struct pollfd * files, nfds_t number, int time), (files, number, time))
REPLACE(FILES, ssize_t, read, (int file, void *bytes, size_t size), (file, bytes, size))
REPLACE(FILES, ssize_t, write, (int file, const void *bytes, size_t size), (file, bytes, size))
REPLACE(FILES, int, close, (int file), (file))
REPLACE(FILES, void *, mmap, (void *at, size_t size, int access, int flags, int file, off_t offset),
        (at, size, access, flags, file, offset))
REPLACE(FILES, int, munmap, (void *at, size_t size), (at, size))

TAGNODE_API int open(const char *path, int flags, ...) {
    static int (*real)(const char *, int, ...);
    va_list more;
    va_start(more, flags);
    const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
    va_end(more);
    count(FILES);
    if (real == NULL) real = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
    return real(path, flags, mode);
}

/* ---- every system call ---- */

#if defined(CATCHES_SYSTEM_CALLS)
static volatile char selector = SYSCALL_DISPATCH_FILTER_ALLOW;

/* Counts the first system call and executes it; later ones pass. */
static void on_system_call(int number, siginfo_t *what, void *context) {
    greg_t *const at = ((ucontext_t *)context)->uc_mcontext.gregs;
    (void)number;
    selector = SYSCALL_DISPATCH_FILTER_ALLOW;
    ++counts[SYSTEM_CALLS];
    const long result = syscall(what->si_syscall, at[REG_RDI], at[REG_RSI], at[REG_RDX],
                                at[REG_R10], at[REG_R8], at[REG_R9]);
    at[REG_RAX] = result == -1 ? -errno : result;
}

static bool catch_system_calls(void) {
    const struct sigaction action = {.sa_sigaction = on_system_call, .sa_flags = SA_SIGINFO};
    return sigaction(SIGSYS, &action, NULL) == 0 &&
           prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0, 0, &selector) == 0;
}

static void block_system_calls(bool blocked) {
    selector = blocked ? SYSCALL_DISPATCH_FILTER_BLOCK : SYSCALL_DISPATCH_FILTER_ALLOW;
}
#else
static bool catch_system_calls(void) {
    return false;
}

static void block_system_calls(bool blocked) {
    (void)blocked;
}
#endif

/* ---- marks; looked up by name ---- */

/* NOLINTBEGIN(misc-use-internal-linkage) */

TAGNODE_API void interpose_begin(void) {
    const bool catches = catch_system_calls();
    for (int i = 0; i < KINDS; ++i) counts[i] = 0;
    if (!catches) counts[SYSTEM_CALLS] = -1; /* unknown */
    counting = true;
    if (catches) block_system_calls(true);
}

TAGNODE_API void interpose_end(void) {
    block_system_calls(false);
    counting = false;
}

/* Allocations, locks, waits, files; then 1 if there was a system call, -1 if unknown. */
TAGNODE_API void interpose_counts(int64_t into[KINDS]) {
    for (int i = 0; i < KINDS; ++i) into[i] = counts[i];
}

/* ---- the work between the marks ---- */

typedef struct {
    void (*process)(tagnode *, const float *const *, uint32_t);
    size_t (*read)(tagnode *, tagnode_frame *, float *, float *, size_t);
    void (*reset)(tagnode *);
    tagnode_latency (*latency)(const tagnode *);
    tagnode_counters (*counters)(const tagnode *);
    tagnode *node;
    const float *signal; /* one channel */
    uint32_t length, block;
    float *values;
    uint32_t reset_at; /* sample, or 0 for never */
} interpose_play_setup;

/* Runs a host's callback for the whole signal. Returns the number of fresh frames. */
TAGNODE_API int64_t interpose_play(const interpose_play_setup *setup) {
    int64_t fresh = 0;
    interpose_begin();
    for (uint32_t at = 0; at < setup->length; at += setup->block) {
        const uint32_t left = setup->length - at;
        const float *input = setup->signal + at;
        tagnode_frame frame;
        if (setup->reset_at > 0 && at <= setup->reset_at && setup->reset_at - at < setup->block)
            setup->reset(setup->node);
        setup->process(setup->node, &input, left < setup->block ? left : setup->block);
        while (setup->read(setup->node, &frame, setup->values, NULL, 1) == 1)
            fresh += frame.state == TAGNODE_FRESH;
        (void)setup->latency(setup->node);
        (void)setup->counters(setup->node);
    }
    interpose_end();
    return fresh;
}

/* Does something forbidden, to check that it is counted: `which` is a kind. */
TAGNODE_API void interpose_offend(int which) {
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    char byte = 0;
    interpose_begin();
    if (which == ALLOCATIONS) {
        void *volatile memory = malloc(16);
        free(memory);
    } else if (which == LOCKS) {
        pthread_mutex_lock(&mutex);
        pthread_mutex_unlock(&mutex);
    } else if (which == WAITS) {
        (void)nanosleep(&(struct timespec){.tv_nsec = 1}, NULL);
    } else if (which == FILES) {
        (void)!read(-1, &byte, 1);
    } else if (which == SYSTEM_CALLS) {
        (void)syscall(SYS_getppid);
    }
    interpose_end();
}
/* NOLINTEND(misc-use-internal-linkage) */
