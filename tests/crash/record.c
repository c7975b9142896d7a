// Writes down, in order, what a process does to the files of one folder; can also make one of these
// operations fail, or the process die right before it. For LD_PRELOAD, on 64-bit Linux.
//
//     GRL_RECORD_DIR    the folder; what is below it is recorded, but for `…-shm`, which is no data
//     GRL_RECORD_LOG    the log, outside of that folder; it is appended to
//     GRL_FAIL_AT       the operation (from 1) that fails without being done
//     GRL_FAIL_FOR      how many fail from there on (1; -1 for all)
//     GRL_FAIL_ERRNO    with which errno (5, EIO)
//     GRL_KILL_AT       the operation right before which the process gets SIGKILL
//
// A record of the log is a line and the bytes after it, as many as the line says:
//
//     OPERATION OFFSET LENGTH PATH\n
//
//     create     a file that was not there
//     write      the bytes, at this offset
//     truncate   to the size OFFSET, which may be larger than before
//     sync       fsync or fdatasync of a file
//     sync_dir   fsync or fdatasync of a folder
//     sync_range sync_file_range, which promises nothing
//     unlink
//     rename     the bytes are the new path
//
// Paths are relative to the folder, which itself is `.`. An operation that did nothing (a write of no
// bytes, an unlink of what is not there) is not one, so the k-th record is what the k of the variables
// means. One lock is held over the operation and its record, also between processes: the log is an
// order in which all of it can have happened.
//
// The path is asked of the kernel at each call, so that it does not matter how a descriptor came about.
// What cannot be recorded is refused with a line on stderr: a shared writable mapping, a link, a copy
// inside the kernel, a rename over the border of the folder. What goes past libc's symbols (stdio's own
// buffers, splice, io_uring) is not seen; compare the model with the folder at the end to know of it.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

_Static_assert(sizeof(off_t) == 8, "the names that end in 64 are aliases");

static char folder[PATH_MAX]; // Empty: nothing is recorded.
static size_t folder_length;
static int log_file = -1;
static long fail_at, fail_for, fail_errno, kill_at;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static long operations; // Done or made to fail, in this process; under the lock.

// Not through this library's own write.
static void emit(int fd, const void *bytes, size_t length)
{
    const char *next = bytes;
    while (length > 0) {
        ssize_t done = syscall(SYS_write, fd, next, length);
        if (done < 0 && errno != EINTR) {
            abort();
        }
        if (done > 0) {
            next += done;
            length -= (size_t)done;
        }
    }
}

static void complain(const char *what, const char *about)
{
    char line[PATH_MAX + 100];
    int length = snprintf(line, sizeof line, "record.c: %s: %s\n", what, about);
    syscall(SYS_write, STDERR_FILENO, line, (size_t)length < sizeof line ? (size_t)length : sizeof line);
}

static void die(const char *what, const char *about)
{
    complain(what, about);
    abort();
}

static long number(const char *name, long otherwise)
{
    const char *text = getenv(name);
    return text && *text ? strtol(text, NULL, 10) : otherwise;
}

static void set_up(void)
{
    const char *dir = getenv("GRL_RECORD_DIR"), *log = getenv("GRL_RECORD_LOG");
    if (!dir && !log) {
        return;
    }
    if (!dir || !log || !realpath(dir, folder)) {
        die("GRL_RECORD_DIR and GRL_RECORD_LOG belong together; no such folder", dir ? dir : "");
    }
    if (access("/proc/self/fd", X_OK) != 0) {
        die("cannot do without", "/proc/self/fd");
    }
    folder_length = strlen(folder);
    long opened = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    // Above the three that a program may take for its own.
    log_file = fcntl((int)opened, F_DUPFD_CLOEXEC, 3);
    close((int)opened);
    if (log_file < 0) {
        die("cannot open GRL_RECORD_LOG", log);
    }
    fail_at = number("GRL_FAIL_AT", 0);
    fail_for = number("GRL_FAIL_FOR", 1);
    fail_errno = number("GRL_FAIL_ERRNO", EIO);
    kill_at = number("GRL_KILL_AT", 0);
}

static void *next_symbol(const char *name, void **cache)
{
    void *found = __atomic_load_n(cache, __ATOMIC_RELAXED);
    if (!found) {
        found = dlsym(RTLD_NEXT, name);
        if (!found) {
            die("libc does not have", name);
        }
        __atomic_store_n(cache, found, __ATOMIC_RELAXED);
    }
    return found;
}

// libc's own function, as `real`. Looked up before the lock is taken: dlsym takes one itself.
#define REAL(name)                                                                                 \
    static void *real_cache;                                                                       \
    __typeof__(&name) real = (__typeof__(&name))next_symbol(#name, &real_cache)

// --- Which file is meant ---

// Whether something may be recorded at all. This library is called before its constructors would be.
static bool recording(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, set_up);
    return folder_length > 0;
}

// Makes an absolute path relative to the folder. False: it is not to be recorded.
static bool relative(const char *absolute, char path[PATH_MAX])
{
    if (strncmp(absolute, folder, folder_length) != 0) {
        return false;
    }
    const char *rest = absolute + folder_length;
    size_t length = strlen(rest);
    if (length == 0) {
        strcpy(path, ".");
        return true;
    }
    if (rest[0] != '/' || (length > 4 && strcmp(rest + length - 4, "-shm") == 0)) {
        return false;
    }
    if (strchr(rest, '\n')) {
        die("a line break in a path", rest);
    }
    memcpy(path, rest + 1, length);
    return true;
}

static bool absolute_of(int fd, char absolute[PATH_MAX])
{
    char link[40];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, absolute, PATH_MAX - 1);
    absolute[length > 0 ? length : 0] = '\0';
    return length > 0;
}

static bool path_of(int fd, char path[PATH_MAX])
{
    char absolute[PATH_MAX];
    struct stat file;
    return recording() && absolute_of(fd, absolute) && relative(absolute, path) &&
           fstat(fd, &file) == 0 && file.st_nlink > 0;
}

// The path that `name` means as seen from the folder `at`. Links are followed, but not in its last part.
static bool place_of(int at, const char *name, char path[PATH_MAX])
{
    char parent[PATH_MAX] = ".", absolute[PATH_MAX];
    if (!recording() || !name || strlen(name) >= PATH_MAX) {
        return false;
    }
    const char *slash = strrchr(name, '/'), *leaf = slash ? slash + 1 : name;
    if (slash) {
        size_t length = slash == name ? 1 : (size_t)(slash - name);
        memcpy(parent, name, length);
        parent[length] = '\0';
    }
    int fd = (int)syscall(SYS_openat, at, parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
    bool known = fd >= 0 && absolute_of(fd, absolute) &&
                 strlen(absolute) + strlen(leaf) + 2 <= sizeof absolute;
    if (fd >= 0) {
        close(fd);
    }
    if (!known) {
        return false;
    }
    strcat(strcat(absolute, "/"), leaf);
    return relative(absolute, path);
}

// --- The lock and the log ---

static void lock(void)
{
    pthread_mutex_lock(&mutex);
    while (flock(log_file, LOCK_EX) != 0) {
    }
}

// Hands `result` on, so that a function can end with it. Leaves errno.
static long unlock(long result)
{
    flock(log_file, LOCK_UN);
    pthread_mutex_unlock(&mutex);
    return result;
}

// Whether the file behind `fd` is recorded; its path may change until the lock is held.
static bool lock_if_recorded(int fd, char path[PATH_MAX])
{
    if (!path_of(fd, path)) {
        return false;
    }
    lock();
    return path_of(fd, path) || unlock(false);
}

// Whether the next operation may be done, or is one of those that fail. Under the lock.
static bool admit(void)
{
    long number = operations + 1;
    if (number == kill_at) {
        kill(getpid(), SIGKILL);
        pause();
    }
    if (fail_at == 0 || number < fail_at || (fail_for >= 0 && number - fail_at >= fail_for)) {
        return true;
    }
    operations = number;
    errno = (int)fail_errno;
    return false;
}

static void append(const char *operation, const char *path, off_t offset, const struct iovec *body, size_t length)
{
    char line[PATH_MAX + 100];
    int size = snprintf(line, sizeof line, "%s %lld %zu %s\n", operation, (long long)offset, length, path);
    emit(log_file, line, (size_t)size);
    for (; length > 0; body++) {
        size_t part = body->iov_len < length ? body->iov_len : length;
        emit(log_file, body->iov_base, part);
        length -= part;
    }
    operations++;
}

static long refuse(const char *what, const char *path, int error)
{
    complain(what, path);
    errno = error;
    return -1;
}

// --- Opening ---

static int open_at(int at, const char *name, int flags, mode_t mode)
{
    REAL(openat);
    char path[PATH_MAX];
    struct stat file;
    bool changes = (flags & (O_CREAT | O_TRUNC)) != 0 && (flags & O_TMPFILE) != O_TMPFILE;
    if (!changes || !place_of(at, name, path)) {
        return real(at, name, flags, mode);
    }
    lock();
    bool there = fstatat(at, name, &file, 0) == 0;
    const char *operation = !there && (flags & O_CREAT)                     ? "create"
                            : there && (flags & O_TRUNC) && file.st_size > 0 ? "truncate"
                                                                             : NULL;
    int fd = !operation || admit() ? real(at, name, flags, mode) : -1;
    if (fd >= 0 && operation) {
        append(operation, path, 0, NULL, 0);
    }
    return (int)unlock(fd);
}

// Only these flags say that a mode was passed.
#define MODE(flags)                                                                                \
    mode_t mode = 0;                                                                               \
    if (((flags) & O_CREAT) || ((flags) & O_TMPFILE) == O_TMPFILE) {                               \
        va_list arguments;                                                                         \
        va_start(arguments, flags);                                                                \
        mode = va_arg(arguments, mode_t);                                                          \
        va_end(arguments);                                                                         \
    }

int open(const char *name, int flags, ...)
{
    MODE(flags)
    return open_at(AT_FDCWD, name, flags, mode);
}

int openat(int at, const char *name, int flags, ...)
{
    MODE(flags)
    return open_at(at, name, flags, mode);
}

int creat(const char *name, mode_t mode)
{
    return open_at(AT_FDCWD, name, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

int open64(const char *name, int flags, ...) __attribute__((alias("open")));
int openat64(int at, const char *name, int flags, ...) __attribute__((alias("openat")));
int creat64(const char *name, mode_t mode) __attribute__((alias("creat")));

// --- Writing ---

static void append_write(int fd, const char *path, off_t offset, const struct iovec *parts, ssize_t done)
{
    if (done > 0) {
        // With O_APPEND, Linux writes at the end whatever the offset.
        struct stat file;
        if ((fcntl(fd, F_GETFL) & O_APPEND) && fstat(fd, &file) == 0) {
            offset = file.st_size - done;
        }
        append("write", path, offset, parts, (size_t)done);
    }
}

ssize_t write(int fd, const void *bytes, size_t length)
{
    REAL(write);
    char path[PATH_MAX];
    if (!lock_if_recorded(fd, path)) {
        return real(fd, bytes, length);
    }
    ssize_t done = length == 0 || admit() ? real(fd, bytes, length) : -1;
    struct iovec part = {(void *)bytes, length};
    append_write(fd, path, lseek(fd, 0, SEEK_CUR) - done, &part, done);
    return unlock(done);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    REAL(writev);
    char path[PATH_MAX];
    if (!lock_if_recorded(fd, path)) {
        return real(fd, parts, count);
    }
    ssize_t done = admit() ? real(fd, parts, count) : -1;
    append_write(fd, path, lseek(fd, 0, SEEK_CUR) - done, parts, done);
    return unlock(done);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset)
{
    REAL(pwrite);
    char path[PATH_MAX];
    if (!lock_if_recorded(fd, path)) {
        return real(fd, bytes, length, offset);
    }
    ssize_t done = length == 0 || admit() ? real(fd, bytes, length, offset) : -1;
    struct iovec part = {(void *)bytes, length};
    append_write(fd, path, offset, &part, done);
    return unlock(done);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    REAL(pwritev);
    char path[PATH_MAX];
    if (!lock_if_recorded(fd, path)) {
        return real(fd, parts, count, offset);
    }
    ssize_t done = admit() ? real(fd, parts, count, offset) : -1;
    append_write(fd, path, offset, parts, done);
    return unlock(done);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t offset) __attribute__((alias("pwrite")));
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t offset) __attribute__((alias("pwritev")));

// --- The size of a file ---

int ftruncate(int fd, off_t size)
{
    REAL(ftruncate);
    char path[PATH_MAX];
    if (!lock_if_recorded(fd, path)) {
        return real(fd, size);
    }
    int result = admit() ? real(fd, size) : -1;
    if (result == 0) {
        append("truncate", path, size, NULL, 0);
    }
    return (int)unlock(result);
}

int truncate(const char *name, off_t size)
{
    REAL(truncate);
    char path[PATH_MAX];
    if (!place_of(AT_FDCWD, name, path)) {
        return real(name, size);
    }
    lock();
    int result = admit() ? real(name, size) : -1;
    if (result == 0) {
        append("truncate", path, size, NULL, 0);
    }
    return (int)unlock(result);
}

// Reserving space counts as an operation even where the size stays: it can fail.
static void append_size(int fd, const char *path)
{
    struct stat file;
    if (fstat(fd, &file) == 0) {
        append("truncate", path, file.st_size, NULL, 0);
    }
}

int fallocate(int fd, int mode, off_t offset, off_t length)
{
    REAL(fallocate);
    char path[PATH_MAX];
    if (!lock_if_recorded(fd, path)) {
        return real(fd, mode, offset, length);
    }
    if ((mode & ~FALLOC_FL_KEEP_SIZE) != 0) {
        return (int)unlock(refuse("a mode of fallocate that is not recorded", path, EOPNOTSUPP));
    }
    int result = admit() ? real(fd, mode, offset, length) : -1;
    if (result == 0) {
        append_size(fd, path);
    }
    return (int)unlock(result);
}

int posix_fallocate(int fd, off_t offset, off_t length)
{
    REAL(posix_fallocate);
    char path[PATH_MAX];
    if (!lock_if_recorded(fd, path)) {
        return real(fd, offset, length);
    }
    int error = admit() ? real(fd, offset, length) : errno;
    if (error == 0) {
        append_size(fd, path);
    }
    return (int)unlock(error);
}

int ftruncate64(int fd, off_t size) __attribute__((alias("ftruncate")));
int truncate64(const char *name, off_t size) __attribute__((alias("truncate")));
int fallocate64(int fd, int mode, off_t offset, off_t length) __attribute__((alias("fallocate")));
int posix_fallocate64(int fd, off_t offset, off_t length) __attribute__((alias("posix_fallocate")));

// --- Making it durable ---

// The lock is held while the disk works: a write that came meanwhile would stand before the sync in the
// log, though the sync need not cover it.
static int sync_with(int (*real)(int), int fd)
{
    char path[PATH_MAX];
    struct stat file;
    if (!lock_if_recorded(fd, path)) {
        return real(fd);
    }
    int result = admit() ? real(fd) : -1;
    if (result == 0) {
        bool is_folder = fstat(fd, &file) == 0 && S_ISDIR(file.st_mode);
        append(is_folder ? "sync_dir" : "sync", path, 0, NULL, 0);
    }
    return (int)unlock(result);
}

int fsync(int fd)
{
    REAL(fsync);
    return sync_with(real, fd);
}

int fdatasync(int fd)
{
    REAL(fdatasync);
    return sync_with(real, fd);
}

int sync_file_range(int fd, off_t offset, off_t length, unsigned flags)
{
    REAL(sync_file_range);
    char path[PATH_MAX];
    if (!lock_if_recorded(fd, path)) {
        return real(fd, offset, length, flags);
    }
    int result = admit() ? real(fd, offset, length, flags) : -1;
    if (result == 0) {
        append("sync_range", path, offset, NULL, 0);
    }
    return (int)unlock(result);
}

// --- Names ---

static int unlink_at(int at, const char *name, int flags)
{
    REAL(unlinkat);
    char path[PATH_MAX];
    struct stat file;
    if ((flags & AT_REMOVEDIR) || !place_of(at, name, path)) {
        return real(at, name, flags);
    }
    lock();
    bool there = fstatat(at, name, &file, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(file.st_mode);
    int result = !there || admit() ? real(at, name, flags) : -1;
    if (result == 0) {
        append("unlink", path, 0, NULL, 0);
    }
    return (int)unlock(result);
}

int unlink(const char *name)
{
    return unlink_at(AT_FDCWD, name, 0);
}

int unlinkat(int at, const char *name, int flags)
{
    return unlink_at(at, name, flags);
}

int remove(const char *name)
{
    struct stat file;
    bool is_folder = lstat(name, &file) == 0 && S_ISDIR(file.st_mode);
    return is_folder ? rmdir(name) : unlink_at(AT_FDCWD, name, 0);
}

static int rename_at(int from_at, const char *from, int to_at, const char *to, unsigned flags)
{
    REAL(renameat2);
    char old_path[PATH_MAX], new_path[PATH_MAX];
    struct stat file;
    bool from_inside = place_of(from_at, from, old_path), to_inside = place_of(to_at, to, new_path);
    if (!from_inside && !to_inside) {
        return real(from_at, from, to_at, to, flags);
    }
    lock();
    bool there = fstatat(from_at, from, &file, AT_SYMLINK_NOFOLLOW) == 0;
    if (from_inside != to_inside || (flags & ~(unsigned)RENAME_NOREPLACE) || (there && S_ISDIR(file.st_mode))) {
        return (int)unlock(refuse("a rename that is not recorded", from, EXDEV));
    }
    int result = !there || admit() ? real(from_at, from, to_at, to, flags) : -1;
    if (result == 0) {
        struct iovec body = {new_path, strlen(new_path)};
        append("rename", old_path, 0, &body, body.iov_len);
    }
    return (int)unlock(result);
}

int rename(const char *from, const char *to)
{
    return rename_at(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int renameat(int from_at, const char *from, int to_at, const char *to)
{
    return rename_at(from_at, from, to_at, to, 0);
}

int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags)
{
    return rename_at(from_at, from, to_at, to, flags);
}

// --- What is refused, lest the log miss it ---

int linkat(int from_at, const char *from, int to_at, const char *to, int flags)
{
    REAL(linkat);
    char path[PATH_MAX];
    if (place_of(from_at, from, path) || place_of(to_at, to, path)) {
        return (int)refuse("a link is not recorded", path, EPERM);
    }
    return real(from_at, from, to_at, to, flags);
}

int link(const char *from, const char *to)
{
    return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
    REAL(mmap);
    char path[PATH_MAX];
    bool writes = (protection & PROT_WRITE) && (flags & MAP_SHARED) && !(flags & MAP_ANONYMOUS);
    if (writes && path_of(fd, path)) {
        refuse("a shared writable mapping is not recorded", path, EACCES);
        return MAP_FAILED;
    }
    return real(address, length, protection, flags, fd, offset);
}

// With EINVAL, callers fall back to read and write.
ssize_t copy_file_range(int from, off_t *from_offset, int to, off_t *to_offset, size_t length, unsigned flags)
{
    REAL(copy_file_range);
    char path[PATH_MAX];
    if (path_of(to, path)) {
        return refuse("copy_file_range is not recorded", path, EINVAL);
    }
    return real(from, from_offset, to, to_offset, length, flags);
}

ssize_t sendfile(int to, int from, off_t *offset, size_t length)
{
    REAL(sendfile);
    char path[PATH_MAX];
    if (path_of(to, path)) {
        return refuse("sendfile is not recorded", path, EINVAL);
    }
    return real(to, from, offset, length);
}

void *mmap64(void *address, size_t length, int protection, int flags, int fd, off_t offset)
    __attribute__((alias("mmap")));
ssize_t sendfile64(int to, int from, off_t *offset, size_t length) __attribute__((alias("sendfile")));
