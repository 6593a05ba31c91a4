/* csrc/core.h -- what the files of the C core share: module state, type specs, small helpers.
 *
 * Who includes it: every .c file here. Sources of one extension module, libactor._core._native.
 * No globals: whatever a module instance needs is in CoreState, so that subinterpreters keep apart. The exceptions are
 *   each thread's own (which actor it runs, which queue it works for, how deep it is in callbacks and hops), and the
 *   process's signals (interrupts.c).
 * Layout: 1 names of the Python twins  2 module state  3 helpers
 */
#ifndef LIBACTOR_CORE_H
#define LIBACTOR_CORE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stddef.h>
#include "chunk_pool.h"

#if PY_VERSION_HEX < 0x030C0000
#include <structmember.h>
#define Py_T_PYSSIZET T_PYSSIZET
#define Py_READONLY READONLY
#define Py_T_OBJECT_EX T_OBJECT_EX
#endif

/* ---- 1 names of the Python twins ---- */

/* As in libactor/_core/_future.py. The three outcomes have the same number as state and as kind minus one. */
enum { PENDING, READY, FAILED, DISCARDED };
enum { ON_READY, ON_FAILED, ON_DISCARDED, ON_ANY, ON_DISCARD, ON_ABANDONED };

/* The core's own kinds, for any outcome and for abandonment: a step; a step that acts on both alike, once; a Gather; a
 * coroutine that awaits, once; the Reply to a call from another host, once. */
enum { ON_STEP = ON_ABANDONED + 1, ON_LOSS, ON_GATHER, ON_TASK, ON_REPLY };

/* As in libactor/_core/_mailbox.py. */
enum { QUEUED, WAKE, CLOSED };

/* As in libactor/_core/_lanes.py. */
enum { DROP_NEW, DROP_OLD, FAIL_SENDER, BLOCK };

/* As in libactor/_core/_run_queue.py. */
enum { DUE = 1, LOOK, OVERTAKEN, OVER, ARRIVED };

/* As in libactor/_core/_values.py. */
enum { SHARED, MOVED, REFUSED };
enum { TOO_DEEP, CYCLE, UNKNOWN };

/* ---- 2 module state ---- */

typedef struct {
    PyObject *report_unobserved; /* owned; NULL until set_reporters: then nothing is reported */
    PyObject *report_callback;   /* owned; as above */
    /* What the core asks Python for; configure() sets each, by the name it has here. Owned; NULL until then. */
    PyObject *get_slowly;  /* (future, timeout, what is left of it): wait until it is ready; else raise why not */
    PyObject *copy_value;  /* (value) -> a copy for one more reader of a future */
    PyObject *pass_answer; /* (value) -> the value as it leaves an actor, and whether each reader gets a copy */
    PyObject *future_type;    /* the class of the futures that the core makes: libactor.Future */
    PyObject *method_name;    /* (kind, method, operation) -> the name to call it by, or TypeError */
    PyObject *owned_type;     /* libactor.Owned, which move() takes the object out of */
    PyObject *running_loop;   /* () -> the event loop that runs in this thread, or None */
    PyObject *process_type;    /* the class of the processes that spawn makes: libactor's Process */
    PyObject *opened;          /* the context variable with the runtimes that are open here, a tuple, innermost last */
    PyObject *current_runtime; /* (operation) -> NoRuntime is raised: none is current */
    PyObject *refuse_id;       /* (id) -> the error for an id that will not do */
    PyObject *bound_of;        /* (Bounded, or None) -> (capacity, overflow), capacity 0 for None; or TypeError */
    PyObject *may_block;       /* (process) -> whether the calling thread, in no handler, may wait for room there */
    PyObject *terminate_event; /* what ends an actor after all that waits */
    PyObject *copier;         /* the ValueCopier that calls, messages and results go through */
    PyObject *defer_slowly;   /* as defer, for whatever may be deferred */
    PyObject *moved_error;    /* the exception for the second call of what was deferred once */
    PyObject *discarded_error; /* the exception that discards the answer of a coroutine which lets it escape */
    PyObject *is_exclusive;    /* (class of actors, method's name or callable) -> whether it was marked so */
    PyObject *refuse_awaited;  /* (process, what awaits, what is awaited) -> the error for what cannot be awaited here */
    PyObject *explain_escaped; /* (error that escapes a coroutine): notes on it what may help */
    /* The core's own. */
    PyObject *cell_type;   /* owned: FutureCell, and future_type until another is named */
    PyObject *gather_type; /* owned */
    PyObject *event_type;
    PyObject *moved_type;
    PyObject *task_type;
    PyObject *deferred_type;
    PyObject *pid_type;
    PyObject *actor_type;
    PyObject *kind_type;
    PyObject *traffic_type;
    PyObject *channel_type;
    PyObject *reply_type;
    PyObject *nothing;   /* owned: a function of Python that does nothing, for core_rest */
    PyObject *record_type;
    PyObject *record_kind_type;
    PyObject *snapshot_type;
    PyObject *snapshot_walk_type;
    ChunkPool chunks; /* of records that lie in collections and snapshots */
    PyObject *sequences; /* owned dict: prefix of ids to the last number */
    PyObject *no_links;  /* owned dict, which stays empty: what every process has in the place of its first link */
    PyObject *text_kind; /* owned, as the others: names that are looked up */
    PyObject *text_mailbox;
    PyObject *text_control;
    PyObject *text_on_start;
    PyObject *text_on_stop;
    PyObject *text_dispatch; /* owned, as the others: what an operation is called in an error */
    PyObject *text_tell;
    PyObject *text_message; /* what a value is called in an error */
    PyObject *text_remote; /* of a class of actors: its methods that are for other hosts, by name */
    PyObject *text_workers;
    PyObject *text_result;
    PyObject *text_executed;
    struct EventObject *events_free; /* events to be used again, linked by `what` */
    int events_free_count;
    uint64_t projections; /* how many were made */
} CoreState;

extern PyModuleDef core_module;
extern PyType_Spec future_spec;
extern PyType_Spec promise_spec;
extern PyType_Spec gather_spec;
extern PyType_Spec moved_spec;
extern PyType_Spec mailbox_spec;
extern PyType_Spec run_queue_spec;
extern PyType_Spec copier_spec;
extern PyType_Spec event_spec;
extern PyType_Spec deferred_spec;
extern PyType_Spec pid_spec;
extern PyType_Spec actor_spec;
extern PyType_Spec kind_spec;
extern PyType_Spec runtime_spec;
extern PyType_Spec task_spec;
extern PyType_Spec traffic_spec;
extern PyType_Spec channel_spec;
extern PyType_Spec record_spec;
extern PyType_Spec record_kind_spec;
extern PyType_Spec collection_spec;
extern PyType_Spec snapshot_spec;
extern PyType_Spec snapshot_walk_spec;
extern PyType_Spec projection_spec;
extern PyType_Spec json_writer_spec;
extern PyType_Spec type_check_spec;

/* Functions of the module, of actor.c, runtime.c and calls.c. */
PyObject *native_generate_id(PyObject *module, PyObject *prefix);
PyObject *native_exchange_sequences(PyObject *module, PyObject *sequences);
PyObject *native_spawn(PyObject *module, PyObject *const *arguments, Py_ssize_t count, PyObject *names);
PyObject *native_terminate(PyObject *module, PyObject *const *arguments, Py_ssize_t count, PyObject *names);
PyObject *native_wait(PyObject *module, PyObject *const *arguments, Py_ssize_t count, PyObject *names);
PyObject *native_dispatch(PyObject *module, PyObject *const *arguments, Py_ssize_t count, PyObject *names);
PyObject *native_tell(PyObject *module, PyObject *const *arguments, Py_ssize_t count, PyObject *names);
PyObject *native_prepare(PyObject *module, PyObject *const *arguments, Py_ssize_t count, PyObject *names);
PyObject *native_execute(PyObject *module, PyObject *const *arguments, Py_ssize_t count, PyObject *names);
PyObject *native_post(PyObject *module, PyObject *const *arguments, Py_ssize_t count, PyObject *names);
PyObject *native_move(PyObject *module, PyObject *value);
PyObject *native_running(PyObject *module, PyObject *none);

/* Of deferred.c. */
PyObject *native_defer(PyObject *module, PyObject *const *arguments, Py_ssize_t count, PyObject *names);

/* ---- 3 helpers ---- */

/* How many finalizers of the core this thread is in: what they set off must not wait. */
extern _Thread_local int core_finalizing;

/* The state of the module that has made `type`, which is no subclass. */
static inline CoreState *core_of_type(PyTypeObject *type)
{
    return PyModule_GetState(((PyHeapTypeObject *)type)->ht_module);
}

/* The exception that is being raised, or NULL; it is no longer being raised afterwards. */
static inline PyObject *core_exception_take(void)
{
#if PY_VERSION_HEX >= 0x030C0000
    return PyErr_GetRaisedException();
#else
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (type == NULL)
        return NULL;
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback != NULL)
        PyException_SetTraceback(value, traceback);
    Py_DECREF(type);
    Py_XDECREF(traceback);
    return value;
#endif
}

/* Raise what core_exception_take returned; steals the reference, NULL raises nothing. */
static inline void core_exception_restore(PyObject *exception)
{
#if PY_VERSION_HEX >= 0x030C0000
    PyErr_SetRaisedException(exception);
#else
    if (exception == NULL) {
        PyErr_Clear();
        return;
    }
    PyErr_Restore(Py_NewRef((PyObject *)Py_TYPE(exception)), exception, PyException_GetTraceback(exception));
#endif
}

/* Take the exception that is being raised, for `first` unless one is there. Runs Python code. */
static inline void core_exception_keep_first(PyObject **first)
{
    PyObject *exception = core_exception_take();
    if (*first == NULL)
        *first = exception;
    else
        Py_XDECREF(exception);
}

/* How many bytes are written or read at a stretch: well below a millisecond. */
enum { REST_BYTES = 1 << 14 };

/* Between two steps of a long walk: let other threads run if one asks for the interpreter, and handlers of signals. 0, or
 * -1 with what one of those raised. `nothing` is the state's: the interpreter looks at the head of each function of
 * Python whether anybody asks, which costs next to nothing if nobody does; to give up its lock each time would not. */
static inline int core_rest(PyObject *nothing)
{
    PyObject *none = PyObject_CallNoArgs(nothing);
    Py_XDECREF(none);
    return none == NULL ? -1 : 0;
}

/* How many bytes are copied with the lock of the interpreter: some 50 microseconds' worth. */
enum { COPY_BYTES = 1 << 18 };

/* memcpy of what nobody else changes or frees meanwhile. If it is much others run beside it: where the memory is fresh, a
 * megabyte takes half a millisecond. */
static inline void core_copy(void *to, const void *from, size_t size)
{
    if (size <= COPY_BYTES) {
        memcpy(to, from, size);
        return;
    }
    Py_BEGIN_ALLOW_THREADS
    memcpy(to, from, size);
    Py_END_ALLOW_THREADS
}

/* The same bytes as an object of their own; NULL with MemoryError. */
static inline PyObject *core_bytes(const void *from, Py_ssize_t size)
{
    if (size <= COPY_BYTES)
        return PyBytes_FromStringAndSize(from, size);
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, size);
    if (bytes != NULL)
        core_copy(PyBytes_AS_STRING(bytes), from, (size_t)size);
    return bytes;
}

/* 0 if the policy was named by configure(), else -1 with RuntimeError. */
static inline int core_require(PyObject *policy, const char *name)
{
    if (policy != NULL)
        return 0;
    PyErr_Format(PyExc_RuntimeError, "the core was not told its %s; call configure() first", name);
    return -1;
}

/* 0 if a method got as many arguments as it wants, else -1 with TypeError. */
static inline int core_check_count(const char *method, Py_ssize_t got, Py_ssize_t wanted)
{
    if (got == wanted)
        return 0;
    PyErr_Format(PyExc_TypeError, "%s() got %zd arguments, expected %zd", method, got, wanted);
    return -1;
}

/* Sort the arguments of a method by the names it knows, the first `required` of which it needs, into `given`, borrowed;
 * 0, or -1 with TypeError. */
static inline int core_take_arguments(const char *method, const char *const *known, Py_ssize_t required,
                                      PyObject *const *arguments, Py_ssize_t count, PyObject *names, PyObject **given)
{
    Py_ssize_t known_count = 0;
    while (known[known_count] != NULL)
        known_count++;
    for (Py_ssize_t i = 0; i < count && i < known_count; i++)
        given[i] = arguments[i];
    Py_ssize_t named = names == NULL ? 0 : PyTuple_GET_SIZE(names);
    for (Py_ssize_t i = 0; i < named; i++) {
        Py_ssize_t place = 0;
        while (place < known_count && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, i), known[place]) != 0)
            place++;
        if (place == known_count || given[place] != NULL) {
            PyErr_Format(PyExc_TypeError, "%s() got an unexpected argument %R", method, PyTuple_GET_ITEM(names, i));
            return -1;
        }
        given[place] = arguments[count + i];
    }
    if (count <= known_count && (required == 0 || given[required - 1] != NULL))
        return 0;
    PyErr_Format(PyExc_TypeError, "%s() got %zd arguments, expected %zd to %zd", method, count + named, required,
                 known_count);
    return -1;
}

/* 1 if a subclass has no more in its instances than the class of this size, with its weak references there (0: none). */
static inline int core_adds_no_fields(PyTypeObject *type, size_t size, Py_ssize_t weak_references)
{
    return (size_t)type->tp_basicsize == size && type->tp_dictoffset == 0 && type->tp_itemsize == 0 &&
           type->tp_weaklistoffset == weak_references;
}

/* A new object of a class that adds no fields, all zero and not tracked by the collector; NULL with MemoryError. If the
 * class adds no __del__ either, its objects go by `dealloc` itself: what the interpreter does for a class defined in
 * Python costs as much again as the rest of a future's life. */
static inline PyObject *core_alloc(PyTypeObject *type, size_t size, destructor dealloc, destructor finalize)
{
    if (type->tp_dealloc != dealloc && type->tp_finalize == finalize)
        type->tp_dealloc = dealloc;
    PyObject *op = PyObject_GC_New(PyObject, type);
    if (op != NULL)
        memset((char *)op + sizeof(PyObject), 0, size - sizeof(PyObject));
    return op;
}

/* 0 if a constructor got no arguments, or belongs to a subclass whose own __init__ takes them; else -1, TypeError. */
static inline int core_check_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    if (PyTuple_GET_SIZE(arguments) == 0 && (keywords == NULL || PyDict_GET_SIZE(keywords) == 0))
        return 0;
    if (type->tp_init != PyBaseObject_Type.tp_init)
        return 0;
    PyErr_Format(PyExc_TypeError, "%s() takes no arguments", type->tp_name);
    return -1;
}

#endif
