/* csrc/supervisor/instructions.c -- what there is to be told, and how most of it is done.
 *
 * Who calls: main.c, in the process that becomes the command, in the order of the script. What is about mounts is in
 * mounts.c, what is about rights in rights.c, and about output in output.c.
 * Twin: mesoslite/containment/script.py, which says what each instruction means.
 */
#define _GNU_SOURCE
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- 1 streams and files ---- */

int place(int opened, const char *text)
{
    uint64_t wanted;
    if (opened < 0)
        return -1;
    if (!read_number(text, 10, &wanted) || wanted > 2)
        return refuse();
    int result = dup2(opened, (int)wanted) < 0 ? -1 : 0;
    close(opened);
    return result;
}

static int do_read(const Instruction *instruction)
{
    const char *descriptor = instruction->argument;
    return place(open(text_behind(descriptor), O_RDONLY | O_CLOEXEC), descriptor);
}

static int do_write(const Instruction *instruction)
{
    return write_to(instruction->argument, text_behind(instruction->argument));
}

/* ---- 2 the process ---- */

static int do_unshare(const Instruction *instruction)
{
    uint64_t flags;
    if (!read_number(instruction->argument, 10, &flags) || flags > INT_MAX)
        return refuse();
    return unshare((int)flags);
}

/* The device that leads to oneself, which is down in a new network namespace; netdevice(7). */
static int do_loopback(const Instruction *instruction)
{
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (any < 0)
        return -1;
    int result = ioctl(any, SIOCSIFFLAGS, &request), error = errno;
    close(any);
    errno = error;
    return result;
}

static int do_hostname(const Instruction *instruction)
{
    return sethostname(instruction->argument, strlen(instruction->argument));
}

static int do_enter(const Instruction *instruction)
{
    return chdir(instruction->argument);
}

static int do_umask(const Instruction *instruction)
{
    uint64_t mode;
    if (!read_number(instruction->argument, 8, &mode) || mode > 0777)
        return refuse();
    umask((mode_t)mode);
    return 0;
}

static bool read_limit(const char *text, rlim_t *limit)
{
    uint64_t number = RLIM_INFINITY;
    bool is_limit = strcmp(text, "unlimited") == 0 || read_number(text, 10, &number);
    *limit = (rlim_t)number;
    return is_limit;
}

static int do_limit(const Instruction *instruction)
{
    const char *resource = instruction->argument, *soft = text_behind(resource), *hard = text_behind(soft);
    struct rlimit limit;
    uint64_t number;
    if (!read_number(resource, 10, &number) || number >= RLIM_NLIMITS)
        return refuse();
    if (!read_limit(soft, &limit.rlim_cur) || !read_limit(hard, &limit.rlim_max))
        return refuse();
    return setrlimit((int)number, &limit);
}

/* ---- 3 the command ---- */

static char *const NOTHING[] = {NULL};
static char *const *environment = NOTHING;

/* The arguments from `text` on as execve takes them, or NULL. It is given back by the end of the process. */
static char **as_array(const char *text, unsigned count)
{
    size_t bytes = ((size_t)count + 1) * sizeof(char *);
    char **array = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (array == MAP_FAILED)
        return NULL;
    for (unsigned i = 0; i < count; i++, text = text_behind(text))
        array[i] = (char *)text;
    return array;
}

int do_environment(const Instruction *instruction)
{
    char **array = as_array(instruction->argument, instruction->count);
    if (array != NULL)
        environment = array;
    return array == NULL ? -1 : 0;
}

static const char *search_path(void)
{
    for (char *const *variable = environment; *variable != NULL; variable++)
        if (strncmp(*variable, "PATH=", 5) == 0)
            return *variable + 5;
    return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

/* As execvpe, but it allocates nothing, and a file that is no program is an error. */
int do_run(const Instruction *instruction)
{
    const char *program = instruction->argument;
    char **arguments = as_array(text_behind(program), instruction->count - 1);
    if (arguments == NULL)
        return -1;
    if (strchr(program, '/') != NULL || *program == 0)
        return execve(program, arguments, environment);
    int error = ENOENT;
    for (const char *at = search_path();; at++) {
        size_t size = strcspn(at, ":"), name = strlen(program);
        char path[PATH_MAX];
        if (size + name + 2 <= sizeof path) {
            memcpy(path, size ? at : ".", size ? size : 1); /* an empty entry is the directory it is in */
            path[size ? size : 1] = '/';
            memcpy(path + (size ? size : 1) + 1, program, name + 1);
            execve(path, arguments, environment);
            if (errno != ENOENT && errno != ENOTDIR)
                error = errno;
            if (error != ENOENT && error != EACCES)
                break;
        }
        at += size;
        if (*at == 0)
            break;
    }
    errno = error;
    return -1;
}

/* ---- 4 what the supervisor itself is told; of what is stated twice the first counts ---- */

static void take_members(Supervision *supervision, const char *first)
{
    supervision->members = supervision->members != NULL ? supervision->members : first;
}

static void take_kill_switch(Supervision *supervision, const char *first)
{
    supervision->kill_switch = supervision->kill_switch != NULL ? supervision->kill_switch : first;
}

static void take_freezer(Supervision *supervision, const char *first)
{
    supervision->freezer = supervision->freezer != NULL ? supervision->freezer : first;
}

static void take_streams(Supervision *supervision, const char *first)
{
    supervision->streams = supervision->streams != NULL ? supervision->streams : first;
}

static void take_joined(Supervision *supervision, const char *first)
{
    supervision->joined = supervision->joined != NULL ? supervision->joined : first;
}

static void take_pid_namespace(Supervision *supervision, const char *first)
{
    supervision->has_pid_namespace = true;
}

/* ---- 5 the table ---- */

static const Kind KINDS[] = {
    {"members", 1, 1, NULL, take_members},
    {"kill_switch", 1, 1, NULL, take_kill_switch},
    {"freezer", 3, 3, NULL, take_freezer},
    {"streams", 4, 4, NULL, take_streams},
    {"namespaces_of", 3, 3, NULL, take_joined},
    {"pid_namespace", 0, 0, NULL, take_pid_namespace},
    {"read", 2, 2, do_read, NULL},
    {"append", 4, 4, do_append, NULL},
    {"rotate", 6, 6, do_rotate, take_rotation},
    {"write", 2, 2, do_write, NULL},
    {"attach", 0, 0, do_attach, NULL},
    {"join", 0, 0, do_join, NULL},
    {"unshare", 1, 1, do_unshare, NULL},
    {"loopback", 0, 0, do_loopback, NULL},
    {"hostname", 1, 1, do_hostname, NULL},
    {"mount", 5, 5, do_mount, NULL},
    {"bind", 5, 5, do_bind, NULL},
    {"directory", 2, 2, do_directory, NULL},
    {"file", 2, 2, do_file, NULL},
    {"link", 2, 2, do_link, NULL},
    {"pivot", 1, 1, do_pivot, NULL},
    {"reaper", 0, 0, do_reaper, NULL},
    {"enter", 1, 1, do_enter, NULL},
    {"limit", 3, 3, do_limit, NULL},
    {"umask", 1, 1, do_umask, NULL},
    {"bound", 1, 1, do_bound, NULL},
    {"keep", 0, 0, do_keep, NULL},
    {"user", 2, UINT16_MAX, do_user, NULL},
    {"capabilities", 4, 4, do_capabilities, NULL},
    {"no_new_privileges", 0, 0, do_no_new_privileges, NULL},
    {"environment", 0, UINT32_MAX - 1, do_environment, NULL},
    {"run", 2, UINT32_MAX - 1, do_run, NULL},
};

const Kind *find_kind(const char *name)
{
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++)
        if (strcmp(KINDS[i].name, name) == 0)
            return &KINDS[i];
    return NULL;
}
