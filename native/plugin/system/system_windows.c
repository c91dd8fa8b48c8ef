#include <winsock2.h>
#include <ws2tcpip.h>

#include "system.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

void tagplug_lock_take(tagplug_lock *lock) {
    AcquireSRWLockExclusive(lock);
}

void tagplug_lock_give(tagplug_lock *lock) {
    ReleaseSRWLockExclusive(lock);
}

bool tagplug_lock_try(tagplug_lock *lock) {
    return TryAcquireSRWLockExclusive(lock) != 0;
}

static DWORD WINAPI run(void *context) {
    const tagplug_task *task = context;
    task->run(task->context);
    return 0;
}

bool tagplug_thread_start(tagplug_thread *thread, const tagplug_task *task) {
    *thread = CreateThread(NULL, 0, run, (void *)task, 0, NULL);
    return *thread != NULL;
}

void tagplug_thread_join(tagplug_thread thread) {
    (void)WaitForSingleObject(thread, INFINITE);
    (void)CloseHandle(thread);
}

void tagplug_sleep(uint32_t milliseconds) {
    Sleep(milliseconds);
}

void tagplug_at_fork(void (*before)(void), void (*parent)(void), void (*child)(void)) {
    (void)before, (void)parent, (void)child;
}

intptr_t tagplug_udp_open(void) {
    WSADATA about;
    u_long on = 1;
    if (WSAStartup(MAKEWORD(2, 2), &about) != 0) return -1;
    const SOCKET made = socket(AF_INET, SOCK_DGRAM, 0);
    if (made == INVALID_SOCKET) {
        (void)WSACleanup();
        return -1;
    }
    (void)ioctlsocket(made, FIONBIO, &on);
    return (intptr_t)made;
}

void tagplug_udp_send(intptr_t socket, uint16_t port, const void *bytes, size_t size) {
    struct sockaddr_in to;
    memset(&to, 0, sizeof to);
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    (void)sendto((SOCKET)socket, bytes, (int)size, 0, (const struct sockaddr *)&to, sizeof to);
}

void tagplug_udp_close(intptr_t socket) {
    if (socket < 0) return;
    (void)closesocket((SOCKET)socket);
    (void)WSACleanup();
}

/* A variable of the environment in UTF-8; false where it is not there or empty. */
static bool variable(const wchar_t *name, char *value, size_t size) {
    const wchar_t *found = _wgetenv(name);
    if (found == NULL || found[0] == L'\0') return false;
    return WideCharToMultiByte(CP_UTF8, 0, found, -1, value, (int)size, NULL, NULL) > 0;
}

bool tagplug_models_folder(char *path, size_t size) {
    char chosen[2048], data[2048];
    if (variable(L"PYPLUGIN_MODELS", chosen, sizeof chosen)) {
        const bool home = chosen[0] == '~' && strchr("\\/", chosen[1]) != NULL;
        if (home && !variable(L"USERPROFILE", data, sizeof data)) return false;
        const int length = snprintf(path, size, "%s%s", home ? data : "", chosen + home);
        return length > 0 && (size_t)length < size;
    }
    if (!variable(L"LOCALAPPDATA", data, sizeof data)) return false;
    const int length = snprintf(path, size, "%s\\pyplugin\\models", data);
    return length > 0 && (size_t)length < size;
}

FILE *tagplug_open(const char *path) {
    wchar_t wide[4096];
    if (MultiByteToWideChar(CP_UTF8, 0, path, -1, wide, 4096) == 0) return NULL;
    return _wfopen(wide, L"rb");
}
