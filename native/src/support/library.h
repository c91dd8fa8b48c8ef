/* library.h - a shared library, loaded and never let go: exit handlers may outlive it, and a thread
 * that ran a model may still have to end. */
#ifndef TAGNODE_SUPPORT_LIBRARY_H
#define TAGNODE_SUPPORT_LIBRARY_H

#ifdef _WIN32
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#else
#include <dlfcn.h>
#endif

/* NULL when it cannot be loaded. [main] */
static inline void *tagnode_library_open(const char *path) {
#ifdef _WIN32
    return LoadLibraryA(path);
#else
    return dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
#endif
}

/* Why open failed just now, or NULL. [main] */
static inline const char *tagnode_library_error(void) {
#ifdef _WIN32
    return NULL;
#else
    return dlerror();
#endif
}

/* NULL when it has no such symbol. [main] */
static inline void *tagnode_library_find(void *library, const char *symbol) {
#ifdef _WIN32
    return (void *)GetProcAddress(library, symbol);
#else
    return dlsym(library, symbol);
#endif
}

#endif
