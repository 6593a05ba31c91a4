/* csrc/supervisor/loading.c -- the file `script`, in memory for as long as it is needed.
 *
 * Who calls: main.c.
 */
#define _GNU_SOURCE
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SCRIPT_BYTES_MAX = 64 << 20 };

static char *text; /* mapped */
static size_t size;

static void map_script(void)
{
    int file = open("script", O_RDONLY | O_CLOEXEC);
    struct stat stat;
    if (file < 0 || fstat(file, &stat) != 0)
        fail("script", "");
    if (stat.st_size == 0 || stat.st_size > SCRIPT_BYTES_MAX) {
        errno = E2BIG;
        fail("script", "");
    }
    size = (size_t)stat.st_size;
    text = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    close(file);
    if (text == MAP_FAILED || read_file(AT_FDCWD, "script", text, size) < 0)
        fail("script", "");
}

void load_script(Script *script, Supervision *supervision)
{
    map_script();
    const char *complaint = open_script(script, text, size);
    if (complaint != NULL) {
        errno = EINVAL;
        fail("script", complaint);
    }
    Script rest = *script;
    for (Instruction instruction; next_instruction(&rest, &instruction);) {
        const Kind *kind = find_kind(instruction.name);
        if (kind->take != NULL)
            kind->take(supervision, instruction.argument);
    }
}

Script script_from(uint32_t offset)
{
    return (Script){text + offset, text + size, text};
}

void release_script(const Supervision *kept)
{
    const char *texts[] = {kept->members, kept->kill_switch, kept->freezer}, *end = text;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *last = texts[i];
        for (int more = i == 2 ? 3 : 1; last != NULL && more > 0; more--)
            last = text_behind(last);
        end = last != NULL && last > end ? last : end;
    }
    size_t page = (size_t)sysconf(_SC_PAGESIZE), used = ((size_t)(end - text) + page - 1) / page * page;
    if (used < size)
        munmap(text + used, size - used);
}
