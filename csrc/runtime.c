/* csrc/runtime.c -- the RuntimeCell, base of libactor.Runtime: its table of actors; spawn, terminate and wait.
 *
 * Why C: once per actor each (bench/: spawn+stop). Twin: libactor/_core/_runtime.py, where the contract is written down.
 * Threads: from the last look (runtime_admits) to the entry in the table nothing runs Python code or lets go of the GIL:
 *   what is to be made is made before. So no two actors get one id, and a runtime that closes misses none.
 * Layout: 1 the table  2 spawning  3 functions of the module  4 life cycle  5 type spec
 */
#include "runtime.h"
#include "actor.h"
#include "help.h"
#include "hops.h"
#include "pid.h"

#define SELF ((RuntimeObject *)op)

/* ---- 1 the table ---- */

void runtime_forget(RuntimeObject *self, MailboxObject *process)
{
    PyObject *id = ((PIDObject *)process->pid)->id;
    PyObject *raised = core_exception_take();
    if (PyDict_GetItemWithError(self->processes, id) == (PyObject *)process &&
        PyDict_DelItem(self->processes, id) < 0)
        PyErr_WriteUnraisable((PyObject *)process);
    core_exception_restore(raised);
}

static PyObject *RuntimeCell_shut(PyObject *op, PyObject *Py_UNUSED(none))
{
    SELF->closed = 1;
    PyObject *processes = PyDict_Values(SELF->processes);
    if (processes != NULL && PyList_Reverse(processes) < 0)
        Py_CLEAR(processes);
    return processes;
}

/* ---- 2 spawning ---- */

/* Whether `actor` is one that was never spawned. */
static int actor_is_fresh(CoreState *core, PyObject *actor)
{
    if (!actor_check(core, actor) || ((ActorObject *)actor)->id == NULL)
        return 0;
    PyObject *process = ((ActorObject *)actor)->process;
    return process == NULL || process == Py_None;
}

/* Whether `actor` may enter the table; -1 with an exception. */
static int runtime_admits(CoreState *core, RuntimeObject *self, PyObject *actor)
{
    if (self->closed || self->queue->orphaned || !actor_is_fresh(core, actor))
        return 0;
    int taken = PyDict_Contains(self->processes, ((ActorObject *)actor)->id);
    return taken < 0 ? -1 : !taken;
}

static PyObject *runtime_refuse(RuntimeObject *self, PyObject *actor)
{
    PyObject *error = PyObject_CallMethod((PyObject *)self, "_refuse", "O", actor);
    if (error != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
        Py_DECREF(error);
    }
    return NULL;
}

/* Give a fresh process what its class, or `bounded` unless it is NULL, says of its mailbox; -1 with an exception. */
static int process_furnish(CoreState *core, MailboxObject *process, const KindObject *kind, PyObject *bounded)
{
    MailboxExtras *extras = mailbox_extras(process);
    if (extras == NULL)
        return -1;
    extras->capacity = kind->capacity;
    extras->overflow = kind->overflow;
    extras->control = Py_XNewRef(kind->control);
    return bounded == NULL ? 0 : bound_read(core, bounded, &extras->capacity, &extras->overflow);
}

/* The process of `actor`, with its PID, which may be there already, and its mailbox as `bounded` says, unless it is
 * NULL; nowhere entered yet. NULL with an exception. */
static MailboxObject *process_new(CoreState *core, RuntimeObject *self, PyObject *actor, PyObject *pid,
                                  PyObject *bounded)
{
    KindObject *kind = kind_of(core, Py_TYPE(actor));
    PyTypeObject *type = (PyTypeObject *)core->process_type;
    MailboxObject *process = kind == NULL ? NULL : (MailboxObject *)type->tp_alloc(type, 0);
    if (process == NULL)
        return NULL;
    process->runtime = Py_NewRef(self);
    process->queue = (RunQueueObject *)Py_NewRef(self->queue);
    process->actor = Py_NewRef(actor);
    process->kind = Py_NewRef(Py_TYPE(actor));
    process->linkers = Py_NewRef(core->no_links);
    process->linked = Py_NewRef(core->no_links);
    process->quick = kind->quick >= KIND_QUICK ? QUICK_TURNS : 0;
    process->starting = 1;
    process->pid = pid != NULL ? Py_NewRef(pid)
                               : pid_new(core, ((ActorObject *)actor)->id, self->address, (PyObject *)process);
    int has_extras = bounded != NULL || kind->capacity != 0 || kind->control != NULL;
    if (process->pid == NULL || (has_extras && process_furnish(core, process, kind, bounded) < 0))
        Py_CLEAR(process);
    return process;
}

/* Enter `process` in the table, have its PID lead to it, and see that it starts; 0, or -1 with an exception. */
static int runtime_enter(RuntimeObject *self, ActorObject *actor, MailboxObject *process)
{
    if (PyDict_SetItem(self->processes, actor->id, (PyObject *)process) < 0)
        return -1;
    self->spawned++;
    PyObject *none = actor->process; /* at most */
    actor->process = Py_NewRef(process);
    PyObject *before = pid_lead_to(process->pid, (PyObject *)process);
    int answer = mailbox_awaken(process);
    Py_XDECREF(none);
    Py_DECREF(before);
    return answer;
}

static PyObject *runtime_spawn(CoreState *core, RuntimeObject *self, PyObject *actor, PyObject *pid, PyObject *bounded)
{
    if (self->queue == NULL)
        return PyErr_Format(PyExc_RuntimeError, "spawn: the runtime's class did not call super().__init__()");
    if (core_require(core->process_type, "process_type") < 0)
        return NULL;
    int admitted = runtime_admits(core, self, actor);
    if (admitted == 0)
        return runtime_refuse(self, actor);
    MailboxObject *process = admitted < 0 ? NULL : process_new(core, self, actor, pid, bounded);
    if (process == NULL)
        return NULL;
    PyObject *spawned = NULL;
    admitted = runtime_admits(core, self, actor); /* finalizers may have run meanwhile */
    if (admitted == 0)
        runtime_refuse(self, actor);
    else if (admitted > 0 && runtime_enter(self, (ActorObject *)actor, process) == 0)
        spawned = Py_NewRef(process->pid);
    Py_DECREF(process);
    return spawned;
}

/* The actor of spawn(actor, *, mailbox=...), borrowed, and what `mailbox` says, or NULL; NULL with TypeError. */
static PyObject *spawn_arguments(PyObject *const *arguments, Py_ssize_t count, PyObject *names, PyObject **bounded)
{
    *bounded = NULL;
    if (count == 1 && names == NULL)
        return arguments[0];
    if (count != 1)
        return PyErr_Format(PyExc_TypeError, "spawn() got %zd actors, expected 1", count);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); i++) {
        if (PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, i), "mailbox") != 0)
            return PyErr_Format(PyExc_TypeError, "spawn() got an unexpected argument %R", PyTuple_GET_ITEM(names, i));
        *bounded = arguments[count + i] == Py_Ellipsis ? NULL : arguments[count + i];
    }
    return arguments[0];
}

static PyObject *RuntimeCell_spawn(PyObject *op, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    PyObject *bounded, *actor = spawn_arguments(arguments, count, names, &bounded);
    if (actor == NULL)
        return NULL;
    CoreState *core = PyModule_GetState(PyType_GetModuleByDef(Py_TYPE(op), &core_module));
    return runtime_spawn(core, SELF, actor, NULL, bounded);
}

/* spawn, under an id, or as the next incarnation at a PID; a third argument is `mailbox` of spawn. */
static PyObject *RuntimeCell_spawn_as(PyObject *op, PyObject *const *arguments, Py_ssize_t count)
{
    CoreState *core = PyModule_GetState(PyType_GetModuleByDef(Py_TYPE(op), &core_module));
    if (count != 3 && core_check_count("_spawn_as", count, 2) < 0)
        return NULL;
    PyObject *actor = arguments[0], *pid = NULL, *id = arguments[1];
    if (Py_IS_TYPE(id, (PyTypeObject *)core->pid_type)) {
        pid = id;
        id = ((PIDObject *)pid)->id;
    }
    if (!PyUnicode_CheckExact(id))
        return PyErr_Format(PyExc_TypeError, "_spawn_as() got %R, expected an id or a PID", id);
    if (actor_is_fresh(core, actor))
        Py_SETREF(((ActorObject *)actor)->id, Py_NewRef(id));
    return runtime_spawn(core, SELF, actor, pid, count == 3 && arguments[2] != Py_Ellipsis ? arguments[2] : NULL);
}

static PyObject *RuntimeCell_forget(PyObject *op, PyObject *process)
{
    if (mailbox_check(process, "_forget") < 0)
        return NULL;
    runtime_forget(SELF, (MailboxObject *)process);
    Py_RETURN_NONE;
}

/* ---- 3 functions of the module ---- */

/* The runtime that is current, a new reference; NULL with NoRuntime. */
static PyObject *current_runtime(CoreState *core)
{
    if (running_mailbox != NULL && running_mailbox->runtime != NULL)
        return Py_NewRef(running_mailbox->runtime);
    PyObject *opened;
    if (core_require(core->opened, "opened") < 0 || PyContextVar_Get(core->opened, NULL, &opened) < 0)
        return NULL;
    Py_ssize_t count = opened == NULL ? 0 : PyTuple_GET_SIZE(opened);
    PyObject *runtime = count == 0 ? PyObject_CallFunction(core->current_runtime, "s", "spawn")
                                   : Py_NewRef(PyTuple_GET_ITEM(opened, count - 1));
    Py_XDECREF(opened);
    return runtime;
}

PyObject *native_spawn(PyObject *module, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    CoreState *core = PyModule_GetState(module);
    PyObject *bounded, *actor = spawn_arguments(arguments, count, names, &bounded);
    PyObject *runtime = actor == NULL ? NULL : current_runtime(core);
    PyObject *pid = runtime == NULL ? NULL : runtime_spawn(core, (RuntimeObject *)runtime, actor, NULL, bounded);
    Py_XDECREF(runtime);
    return pid;
}

PyObject *native_terminate(PyObject *module, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    static const char *const known[] = {"pid", "inject", NULL};
    CoreState *core = PyModule_GetState(module);
    PyObject *given[2] = {NULL, NULL};
    if (core_take_arguments("terminate", known, 1, arguments, count, names, given) < 0)
        return NULL;
    MailboxObject *mailbox = pid_receiver(core, given[0], "terminate");
    int inject = given[1] == NULL || given[1] == Py_True ? 1 : PyObject_IsTrue(given[1]);
    int answer = -1;
    if (mailbox != NULL && inject >= 0)
        answer = mailbox_terminate_elsewhere(mailbox, inject);
    if (answer == 0)
        answer = mailbox_terminate(mailbox, inject ? NULL : core->terminate_event);
    Py_XDECREF(mailbox);
    return answer < 0 ? NULL : Py_NewRef(Py_None);
}

/* 1 once the actor has stopped, 0 if the time is over before, -1 with an exception. */
static int mailbox_wait(MailboxObject *mailbox, PyObject *timeout)
{
    if (mailbox->queue->orphaned)
        return mailbox_refuse_orphan(mailbox);
    if (mailbox == running_mailbox) {
        PyErr_Format(PyExc_RuntimeError, "wait: %S would wait for itself; use terminate and let the handler return",
                     mailbox->pid);
        return -1;
    }
    if (mailbox->gone)
        return 1;
    FutureObject *stopped = mailbox_stopped(mailbox);
    if (stopped == NULL)
        return -1;
    int answer = future_wait(stopped, timeout);
    Py_DECREF(stopped);
    if (answer == 0)
        return 1;
    if (timeout == Py_None || !PyErr_ExceptionMatches(PyExc_TimeoutError))
        return -1; /* without a bound it is a signal handler's own */
    PyErr_Clear();
    return 0;
}

PyObject *native_wait(PyObject *module, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    static const char *const known[] = {"pid", "timeout", NULL};
    PyObject *given[2] = {NULL, NULL};
    if (core_take_arguments("wait", known, 1, arguments, count, names, given) < 0)
        return NULL;
    MailboxObject *mailbox = pid_receiver(PyModule_GetState(module), given[0], "wait");
    int answer = mailbox == NULL ? -1 : mailbox_wait(mailbox, given[1] == NULL ? Py_None : given[1]);
    Py_XDECREF(mailbox);
    return answer < 0 ? NULL : PyBool_FromLong(answer);
}

/* ---- 4 life cycle ---- */

static PyObject *RuntimeCell_new(PyTypeObject *type, PyObject *Py_UNUSED(arguments), PyObject *Py_UNUSED(keywords))
{
    PyObject *op = type->tp_alloc(type, 0);
    if (op == NULL)
        return NULL;
    SELF->processes = PyDict_New();
    if (SELF->processes == NULL)
        Py_CLEAR(op);
    return op;
}

static int RuntimeCell_init(PyObject *op, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"address", "queue", NULL};
    PyObject *address, *queue;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "UO:RuntimeCell", names, &address, &queue) ||
        run_queue_check(queue) < 0)
        return -1;
    Py_XSETREF(SELF->address, Py_NewRef(address));
    Py_XSETREF(SELF->queue, (RunQueueObject *)Py_NewRef(queue));
    return 0;
}

static int RuntimeCell_traverse(PyObject *op, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(SELF->queue);
    Py_VISIT(SELF->processes);
    Py_VISIT(SELF->current);
    return 0;
}

static int RuntimeCell_clear(PyObject *op)
{
    if (SELF->processes != NULL)
        PyDict_Clear(SELF->processes);
    Py_CLEAR(SELF->current);
    return 0;
}

static void RuntimeCell_dealloc(PyObject *op)
{
    PyObject_GC_UnTrack(op);
    Py_CLEAR(SELF->processes);
    Py_CLEAR(SELF->current);
    Py_CLEAR(SELF->queue);
    Py_CLEAR(SELF->address);
    PyTypeObject *type = Py_TYPE(op);
    type->tp_free(op);
    Py_DECREF(type);
}

/* ---- 5 type spec ---- */

static PyMethodDef runtime_methods[] = {
    {"spawn", (PyCFunction)(void (*)(void))RuntimeCell_spawn, METH_FASTCALL | METH_KEYWORDS,
     "spawn($self, actor, /, *, mailbox=...)\n--\n\n"
     "Start ``actor`` and return its address; its on_start is served before anything that is sent to it.\n\n"
     "``mailbox``: a Bounded, or None for no bound; left out, what the actor's class says.\n"
     "Raises: TypeError for what is no such bound; SpawnError if its id is taken, if it was spawned before, if its\n"
     "class forgot ``super().__init__()``, or if the runtime is closed."},
    {"_spawn_as", (PyCFunction)(void (*)(void))RuntimeCell_spawn_as, METH_FASTCALL,
     "_spawn_as($self, actor, name, mailbox=..., /)\n--\n\n"
     "As spawn, under the id ``name``, whatever the actor's own; or at a PID ``name`` whose actor has stopped."},
    {"_stand_in", (PyCFunction)(void (*)(void))RuntimeCell_stand_in, METH_FASTCALL,
     "_stand_in($self, id, kind, /)\n--\n\nThe PID of an actor of another host, where the network of the queue leads."},
    {"_forget", RuntimeCell_forget, METH_O,
     "_forget($self, process, /)\n--\n\nTake a process out of the table, if it is there, which may live on without its id."},
    {"_shut", RuntimeCell_shut, METH_NOARGS,
     "_shut($self, /)\n--\n\nLet nothing be spawned any more; the processes that live, the last one first."},
    {NULL},
};

static PyMemberDef runtime_members[] = {
    {"address", T_OBJECT_EX, offsetof(RuntimeObject, address), READONLY, "What its PIDs have after the ``@``."},
    {"queue", T_OBJECT_EX, offsetof(RuntimeObject, queue), READONLY, "The RunQueue its actors are put on."},
    {"_processes", T_OBJECT_EX, offsetof(RuntimeObject, processes), READONLY, "Id to process of each live actor."},
    {"spawned", T_ULONGLONG, offsetof(RuntimeObject, spawned), READONLY, "How many actors it has spawned so far."},
    {"current", T_OBJECT, offsetof(RuntimeObject, current), 0,
     "Where it stands for another runtime: the connection by which plain calls go there, or None."},
    {"_closed", T_BOOL, offsetof(RuntimeObject, closed), 0, "After _shut(): nothing can be spawned."},
    {NULL},
};

static PyType_Slot runtime_slots[] = {
    {Py_tp_doc, "The table of the actors that live in a runtime."},
    {Py_tp_new, RuntimeCell_new},
    {Py_tp_init, RuntimeCell_init},
    {Py_tp_traverse, RuntimeCell_traverse},
    {Py_tp_clear, RuntimeCell_clear},
    {Py_tp_dealloc, RuntimeCell_dealloc},
    {Py_tp_methods, runtime_methods},
    {Py_tp_members, runtime_members},
    {0, NULL},
};

PyType_Spec runtime_spec = {
    .name = "libactor._core._native.RuntimeCell",
    .basicsize = sizeof(RuntimeObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = runtime_slots,
};
