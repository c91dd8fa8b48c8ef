/* library.h - loads a shared library and never unloads it: exit handlers may run later, and a
 * thread that ran a model may still have to end. */
#ifndef TAGNODE_SUPPORT_LIBRARY_H
#define TAGNODE_SUPPORT_LIBRARY_H

#ifdef _WIN32
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#else
#include <dlfcn.h>
#endif

/* Returns NULL if it cannot be loaded. [main] */
static inline void *tagnode_library_open(const char *path) {
#ifdef _WIN32
    return LoadLibraryA(path);
#else
    return dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
#endif
}

/* Returns why open failed last, or NULL. [main] */
static inline const char *tagnode_library_error(void) {
#ifdef _WIN32
    return NULL;
#else
    return dlerror();
#endif
}

/* Returns NULL if it has no such symbol. [main] */
static inline void *tagnode_library_find(void *library, const char *symbol) {
#ifdef _WIN32
    return (void *)GetProcAddress(library, symbol);
#else
    return dlsym(library, symbol);
#endif
}

#endif
