/* system.h - what tests need of POSIX and Windows has under other names. */
#pragma once

#include <stdlib.h>
#include <sys/stat.h>

#if defined(_WIN32)
#include <direct.h>
#include <io.h>

/* One that every system has, and is no runtime of models. */
#define ANOTHER_LIBRARY "kernel32.dll"

static inline int setenv(const char *name, const char *value, int replace) {
    (void)replace;
    return _putenv_s(name, value);
}

static inline int unsetenv(const char *name) {
    return _putenv_s(name, "");
}

static inline unsigned alarm(unsigned seconds) { /* ctest limits the time as well */
    (void)seconds;
    return 0;
}

static inline int make_directory(const char *path) {
    return _mkdir(path);
}

static inline char *mkdtemp(char *pattern) {
    return _mktemp(pattern) != NULL && _mkdir(pattern) == 0 ? pattern : NULL;
}
#else
#include <unistd.h>
#if defined(__APPLE__)
#define ANOTHER_LIBRARY "/usr/lib/libSystem.B.dylib"
#else
#define ANOTHER_LIBRARY "libm.so.6"
#endif

static inline int make_directory(const char *path) {
    return mkdir(path, 0700);
}
#endif
