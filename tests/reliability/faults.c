/* A disk and a network that fail on demand: loaded before the C library, it counts every call that changes a file or
 * sends to a socket, and at the one that is named it kills the process (before the call, or in the middle of it) or
 * refuses. Calls on pipes and terminals are not counted. Compiled and driven by killing.py.
 *
 *   faults_arm(at, mode, code)   from now on; the first call is 1
 *   faults_seen()                calls counted since then
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OFF, COUNT, KILL_BEFORE, KILL_WITHIN, REFUSE_GROWTH };

static volatile int mode = OFF;
static volatile long at, seen;
static int code;

void faults_arm(long at_, int mode_, int code_) { at = at_; seen = 0; code = code_; mode = mode_; }
long faults_seen(void) { return seen; }

static void end(void) { kill(getpid(), SIGKILL); for (;;) pause(); }

/* Counts a call. Returns 1 where it is to be cut off within, -1 where it is to be refused, else 0. */
static int step(int grows) {
  if (mode == OFF) return 0;
  long now = __sync_add_and_fetch(&seen, 1);
  if (mode == KILL_BEFORE && now == at) end();
  if (mode == KILL_WITHIN && now == at) return 1;
  if (mode == REFUSE_GROWTH && grows && now >= at) { errno = code; return -1; }
  return 0;
}

static int counts(int fd) {
  struct stat s;
  return mode != OFF && fd > 2 && !fstat(fd, &s) && (S_ISREG(s.st_mode) || S_ISSOCK(s.st_mode));
}

#define REAL(name) static __typeof__(name) *real; if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

#define WHOLE(type, name, parameters, arguments, grows)                                                          \
  type name parameters {                                                                                         \
    REAL(name);                                                                                                  \
    int what = step(grows);                                                                                      \
    if (what < 0) return -1;                                                                                     \
    type got = real arguments;                                                                                   \
    if (what > 0) end();                                                                                         \
    return got;                                                                                                  \
  }

#define PIECES(name, parameters, all, half)                                                                      \
  ssize_t name parameters {                                                                                      \
    REAL(name);                                                                                                  \
    if (!counts(fd)) return real all;                                                                            \
    int what = step(1);                                                                                          \
    if (what < 0) return -1;                                                                                     \
    if (what > 0) { (void)!real half; end(); }                                                                   \
    return real all;                                                                                             \
  }

PIECES(write, (int fd, const void *b, size_t n), (fd, b, n), (fd, b, n / 2))
PIECES(pwrite, (int fd, const void *b, size_t n, off_t o), (fd, b, n, o), (fd, b, n / 2, o))
PIECES(pwrite64, (int fd, const void *b, size_t n, off64_t o), (fd, b, n, o), (fd, b, n / 2, o))
PIECES(writev, (int fd, const struct iovec *v, int n), (fd, v, n), (fd, v, n / 2))
PIECES(send, (int fd, const void *b, size_t n, int f), (fd, b, n, f), (fd, b, n / 2, f))

WHOLE(int, fsync, (int fd), (fd), 1)
WHOLE(int, fdatasync, (int fd), (fd), 1)
WHOLE(int, ftruncate, (int fd, off_t n), (fd, n), 0)
WHOLE(int, ftruncate64, (int fd, off64_t n), (fd, n), 0)
WHOLE(int, rename, (const char *a, const char *b), (a, b), 0)
WHOLE(int, renameat, (int i, const char *a, int j, const char *b), (i, a, j, b), 0)
WHOLE(int, mkdir, (const char *p, mode_t m), (p, m), 1)
WHOLE(int, mkdirat, (int d, const char *p, mode_t m), (d, p, m), 1)
WHOLE(int, unlink, (const char *p), (p), 0)
WHOLE(int, unlinkat, (int d, const char *p, int f), (d, p, f), 0)
WHOLE(int, rmdir, (const char *p), (p), 0)
WHOLE(int, link, (const char *a, const char *b), (a, b), 1)

#define OPENS(name, parameters, arguments)                                                                       \
  int name parameters {                                                                                          \
    REAL(name);                                                                                                  \
    mode_t m = 0;                                                                                                \
    if (flags & O_CREAT) { va_list l; va_start(l, flags); m = va_arg(l, mode_t); va_end(l); }                    \
    int what = flags & O_CREAT ? step(1) : 0;                                                                    \
    if (what < 0) return -1;                                                                                     \
    int fd = real arguments;                                                                                     \
    if (what > 0) end();                                                                                         \
    return fd;                                                                                                   \
  }

OPENS(open, (const char *p, int flags, ...), (p, flags, m))
OPENS(open64, (const char *p, int flags, ...), (p, flags, m))
OPENS(openat, (int d, const char *p, int flags, ...), (d, p, flags, m))
OPENS(openat64, (int d, const char *p, int flags, ...), (d, p, flags, m))
