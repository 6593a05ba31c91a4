/* csrc/supervisor/files.c -- lines of text, and small files that are written as a whole.
 *
 * Not stdio: it allocates, and would double the size of the program.
 */
#define _GNU_SOURCE
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- 1 lines ---- */

void add_text(Line *line, const char *text)
{
    size_t size = strlen(text), room = sizeof line->at - 1 - line->size;
    size = size < room ? size : room;
    memcpy(line->at + line->size, text, size);
    line->size += size;
    line->at[line->size] = 0;
}

void add_zero(Line *line)
{
    if (line->size < sizeof line->at - 1)
        line->at[line->size++] = 0;
}

void add_number(Line *line, long long number)
{
    char digits[24], *at = digits + sizeof digits;
    unsigned long long rest = number < 0 ? 0ULL - (unsigned long long)number : (unsigned long long)number;
    *--at = 0;
    do
        *--at = (char)('0' + rest % 10);
    while ((rest /= 10) != 0);
    if (number < 0)
        *--at = '-';
    add_text(line, at);
}

int refuse(void)
{
    errno = EINVAL;
    return -1;
}

bool read_number(const char *text, int base, uint64_t *number)
{
    if (*text == 0)
        return false;
    *number = 0;
    for (; *text; text++) {
        int digit = *text >= '0' && *text <= '9' ? *text - '0' : *text >= 'a' && *text <= 'f' ? *text - 'a' + 10 : 16;
        if (digit >= base || *number > (UINT64_MAX - (uint64_t)digit) / (uint64_t)base)
            return false;
        *number = *number * (uint64_t)base + (uint64_t)digit;
    }
    return true;
}

/* ---- 2 files ---- */

static int write_all(int descriptor, const char *at, size_t size)
{
    while (size > 0) {
        ssize_t written = write(descriptor, at, size);
        if (written < 0 && errno != EINTR)
            return -1;
        at += written < 0 ? 0 : written;
        size -= written < 0 ? 0 : (size_t)written;
    }
    return 0;
}

int write_by_rename(const char *path, const char *made, const Line *line)
{
    int descriptor = open(made, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (descriptor < 0)
        return -1;
    int result = write_all(descriptor, line->at, line->size);
    close(descriptor);
    return result == 0 ? rename(made, path) : -1;
}

int write_to(const char *path, const char *text)
{
    int descriptor = open(path, O_WRONLY | O_CLOEXEC);
    if (descriptor < 0)
        return -1;
    ssize_t written = write(descriptor, text, strlen(text));
    int error = errno;
    close(descriptor);
    errno = error;
    return written < 0 ? -1 : 0;
}

ssize_t read_file(int directory, const char *path, char *at, size_t room)
{
    int descriptor = openat(directory, path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return -1;
    size_t size = 0;
    ssize_t got;
    while (size < room && ((got = read(descriptor, at + size, room - size)) > 0 || (got < 0 && errno == EINTR)))
        size += got > 0 ? (size_t)got : 0;
    close(descriptor);
    return (ssize_t)size;
}
