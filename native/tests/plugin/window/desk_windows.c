#include <windows.h>

#include "desk.h"

static WCHAR noted[256];
static HINSTANCE noted_library;

bool desk_open(void) {
    const WNDCLASSEXW class = {.cbSize = sizeof class,
                               .lpfnWndProc = DefWindowProcW,
                               .hInstance = GetModuleHandleW(NULL),
                               .hCursor = LoadCursorW(NULL, (LPCWSTR)IDC_ARROW),
                               .lpszClassName = L"window_host"};
    return RegisterClassExW(&class) != 0;
}

uintptr_t desk_make(uint32_t width, uint32_t height) {
    return (uintptr_t)CreateWindowExW(0, L"window_host", NULL, WS_POPUP | WS_VISIBLE, 0, 0,
                                      (int)width, (int)height, NULL, NULL, GetModuleHandleW(NULL),
                                      NULL);
}

void desk_destroy(uintptr_t window) {
    (void)DestroyWindow((HWND)window);
}

void desk_resize(uintptr_t window, uint32_t width, uint32_t height) {
    (void)SetWindowPos((HWND)window, NULL, 0, 0, (int)width, (int)height,
                       SWP_NOMOVE | SWP_NOZORDER | SWP_NOACTIVATE);
}

void desk_map(uintptr_t window, bool shown) {
    (void)ShowWindow((HWND)window, shown ? SW_SHOW : SW_HIDE);
}

bool desk_handles_all(void) {
    return true;
}

void desk_handle(void) {
    MSG message;
    while (PeekMessageW(&message, NULL, 0, 0, PM_REMOVE)) {
        (void)TranslateMessage(&message);
        (void)DispatchMessageW(&message);
    }
}

void desk_note_class(uintptr_t parent) {
    const HWND child = GetWindow((HWND)parent, GW_CHILD);
    if (child == NULL) return;
    (void)GetClassNameW(child, noted, sizeof noted / sizeof *noted);
    noted_library = (HINSTANCE)GetClassLongPtrW(child, GCLP_HMODULE);
}

bool desk_has_class(void) {
    WNDCLASSEXW about = {.cbSize = sizeof about};
    return noted[0] != 0 && GetClassInfoExW(noted_library, noted, &about);
}
