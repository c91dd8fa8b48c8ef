/* native_windows.c - a child window, with a timer of its own. */
#include <math.h>
#include <stdlib.h>
#include <windows.h>
#include <windowsx.h>

#include "native.h"

struct native {
    tagplug_window *window;
    HWND handle;             /* NULL: gone, with the parent */
    LARGE_INTEGER frequency; /* of the clock, Hz */
};

static const WCHAR class_name[] = L"TagnodeWindow";

static LRESULT CALLBACK on_message(HWND handle, UINT message, WPARAM first, LPARAM second);

/* ---- the class, of this library's windows only ---- */

static HINSTANCE library(void) {
    HMODULE found = NULL;
    (void)GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS |
                                 GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
                             (LPCWSTR)(uintptr_t)on_message, &found);
    return found;
}

static void add_class(void) { /* or it is there already */
    const WNDCLASSEXW class = {.cbSize = sizeof class,
                               .lpfnWndProc = on_message,
                               .hInstance = library(),
                               .hCursor = LoadCursorW(NULL, (LPCWSTR)IDC_ARROW),
                               .lpszClassName = class_name};
    (void)RegisterClassExW(&class);
}

static void drop_class(void) { /* stays while there is a window */
    (void)UnregisterClassW(class_name, library());
}

/* ---- events ---- */

static uint32_t key_of(WPARAM key) {
    switch (key) {
    case VK_UP: return PANEL_KEY_UP;
    case VK_DOWN: return PANEL_KEY_DOWN;
    case VK_LEFT: return PANEL_KEY_LEFT;
    case VK_RIGHT: return PANEL_KEY_RIGHT;
    case VK_PRIOR: return PANEL_KEY_PAGE_UP;
    case VK_NEXT: return PANEL_KEY_PAGE_DOWN;
    case VK_HOME: return PANEL_KEY_HOME;
    case VK_END: return PANEL_KEY_END;
    case VK_RETURN: return PANEL_KEY_ENTER;
    case VK_ESCAPE: return PANEL_KEY_ESCAPE;
    default: break;
    }
    if (key >= 'A' && key <= 'Z') return (uint32_t)key - 'A' + 'a';
    if (key >= VK_NUMPAD0 && key <= VK_NUMPAD9) return (uint32_t)key - VK_NUMPAD0 + '0';
    return key >= '0' && key <= '9' ? (uint32_t)key : PANEL_KEY_NONE;
}

static bool is_down(int key) {
    return GetKeyState(key) < 0;
}

/* What means nothing here is the host's: its shortcuts, and the space bar that starts and stops. */
static void press_key(const native *n, UINT message, WPARAM key, LPARAM about) {
    const bool ours = message == WM_KEYDOWN && !is_down(VK_CONTROL) && !is_down(VK_MENU);
    if (!ours || !panel_press_key(window_panel(n->window), key_of(key), is_down(VK_SHIFT)))
        (void)PostMessageW(GetParent(n->handle), message, key, about);
}

static void press(const native *n, LPARAM at) {
    (void)SetFocus(n->handle);
    (void)SetCapture(n->handle);
    panel_press(window_panel(n->window), GET_X_LPARAM(at), GET_Y_LPARAM(at));
}

static void scroll(const native *n, WPARAM about, LPARAM at) {
    POINT place = {GET_X_LPARAM(at), GET_Y_LPARAM(at)};
    (void)ScreenToClient(n->handle, &place);
    panel_scroll(window_panel(n->window), place.x, place.y,
                 GET_WHEEL_DELTA_WPARAM(about) / (double)WHEEL_DELTA,
                 (GET_KEYSTATE_WPARAM(about) & MK_SHIFT) != 0);
}

/* Copies whole rows: the system leaves out what need not be drawn. */
static void expose(const native *n) {
    PAINTSTRUCT about;
    const HDC to = BeginPaint(n->handle, &about);
    const canvas_image image = panel_image(window_panel(n->window));
    const LONG top = about.rcPaint.top;
    const LONG rows = min(about.rcPaint.bottom, (LONG)image.height) - top;
    if (image.pixels != NULL && top >= 0 && rows > 0) {
        const BITMAPINFO format = {.bmiHeader = {.biSize = sizeof format.bmiHeader,
                                                 .biWidth = (LONG)image.width,
                                                 .biHeight = -rows, /* the first is the top */
                                                 .biPlanes = 1,
                                                 .biBitCount = 32,
                                                 .biCompression = BI_RGB}};
        (void)SetDIBitsToDevice(to, 0, top, image.width, (DWORD)rows, 0, 0, 0, (UINT)rows,
                                image.pixels + (size_t)top * image.width, &format, DIB_RGB_COLORS);
    }
    (void)EndPaint(n->handle, &about);
}

/* True: the message is done with. */
static bool handle(native *n, UINT message, WPARAM first, LPARAM second) {
    panel *p = window_panel(n->window);
    switch (message) {
    case WM_TIMER: (void)tagplug_window_tick(n->window); return true;
    case WM_PAINT: expose(n); return true;
    case WM_ERASEBKGND: return true;
    case WM_SIZE: window_resized(n->window, LOWORD(second), HIWORD(second)); return true;
    case WM_LBUTTONDOWN: press(n, second); return true;
    case WM_LBUTTONUP: (void)ReleaseCapture(); return true;
    case WM_CAPTURECHANGED: panel_release(p); return true; /* whoever took the pointer away */
    case WM_MOUSEMOVE:
        panel_move(p, GET_X_LPARAM(second), GET_Y_LPARAM(second), (first & MK_SHIFT) != 0);
        return true;
    case WM_MOUSEWHEEL: scroll(n, first, second); return true;
    case WM_KEYDOWN:
    case WM_KEYUP: press_key(n, message, first, second); return true;
    default: return false;
    }
}

static LRESULT CALLBACK on_message(HWND window, UINT message, WPARAM first, LPARAM second) {
    native *n = (native *)GetWindowLongPtrW(window, GWLP_USERDATA);
    if (n != NULL && message == WM_NCDESTROY) {
        (void)SetWindowLongPtrW(window, GWLP_USERDATA, 0);
        n->handle = NULL;
    } else if (message == WM_GETDLGCODE) {
        return DLGC_WANTALLKEYS; /* also in a host's dialog */
    } else if (n != NULL && n->handle != NULL && handle(n, message, first, second)) {
        return message == WM_ERASEBKGND;
    }
    return DefWindowProcW(window, message, first, second);
}

/* ---- life ---- */

/* That of a window's screen, or of all where Windows has no other or the program sees none. */
static double scale_of(HWND window) {
    union {
        FARPROC found;
        UINT(WINAPI *dpi_of)(HWND window);
    } call = {GetProcAddress(GetModuleHandleW(L"user32.dll"), "GetDpiForWindow")}; /* Windows 10 */
    if (call.found != NULL && window != NULL) return call.dpi_of(window) / 96.0;
    const HDC screen = GetDC(NULL);
    const int dpi = GetDeviceCaps(screen, LOGPIXELSX);
    (void)ReleaseDC(NULL, screen);
    return dpi / 96.0;
}

static bool make_window(native *n, HWND parent, double scale) {
    uint32_t size[2];
    if (!IsWindow(parent)) return false;
    window_scaled(n->window, scale > 0 ? scale : scale_of(parent), size);
    (void)QueryPerformanceFrequency(&n->frequency);
    n->handle = CreateWindowExW(0, class_name, NULL, WS_CHILD | WS_VISIBLE, 0, 0, (int)size[0],
                                (int)size[1], parent, NULL, library(), NULL);
    if (n->handle == NULL) return false;
    (void)SetWindowLongPtrW(n->handle, GWLP_USERDATA, (LONG_PTR)n);
    return SetTimer(n->handle, 1, TAGPLUG_WINDOW_PERIOD, NULL) != 0;
}

native *native_open(tagplug_window *window, uintptr_t parent, double scale) {
    native *n = calloc(1, sizeof *n);
    if (n == NULL) return NULL;
    n->window = window;
    add_class();
    if (make_window(n, (HWND)parent, scale)) return n;
    native_close(n);
    return NULL;
}

void native_close(native *n) {
    if (n == NULL) return;
    if (n->handle != NULL) {
        (void)SetWindowLongPtrW(n->handle, GWLP_USERDATA, 0);
        (void)DestroyWindow(n->handle); /* and its timer */
    }
    drop_class();
    free(n);
}

/* ---- at work ---- */

bool native_is_lost(const native *n) {
    return n->handle == NULL;
}

bool native_is_viewable(native *n) {
    return n->handle != NULL && IsWindowVisible(n->handle) &&
           !IsIconic(GetAncestor(n->handle, GA_ROOT));
}

void native_update(native *n) {
    LARGE_INTEGER now;
    if (n->handle == NULL) return;
    (void)QueryPerformanceCounter(&now);
    const box changed =
        window_draw(n->window, (double)now.QuadPart / (double)n->frequency.QuadPart);
    if (changed.width <= 0 || changed.height <= 0) return;
    const RECT part = {(LONG)changed.x, (LONG)changed.y, (LONG)(changed.x + changed.width),
                       (LONG)(changed.y + changed.height)};
    (void)InvalidateRect(n->handle, &part, FALSE);
}

bool native_has_timer(void) {
    return true;
}

double native_default_scale(void) {
    return scale_of(NULL);
}

bool native_resize(native *n, uint32_t width, uint32_t height) {
    return n->handle != NULL &&
           SetWindowPos(n->handle, NULL, 0, 0, (int)width, (int)height,
                        SWP_NOMOVE | SWP_NOZORDER | SWP_NOACTIVATE | SWP_NOOWNERZORDER);
}

void native_show(native *n, bool shown) {
    if (n->handle != NULL) (void)ShowWindow(n->handle, shown ? SW_SHOWNA : SW_HIDE);
}

uintptr_t native_id(const native *n) {
    return (uintptr_t)n->handle;
}
