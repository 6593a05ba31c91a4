// A framework written with Node's mesos-framework: runs a task, goes on with it, and prints what happens.
//
// Who calls: test_node.py, by `node`. Arguments: where the package is, the master's host and port, and, to go on with a
//   framework of before, that one's id. Each line that it prints is a list in JSON.
// Without an id it has a task run, and subscribes again by itself when its stream ends; with one it asks about all
//   tasks, kills the one that it is told of, and is torn down once that has ended.
"use strict";

const [home, host, port, id] = process.argv.slice(2);
const { Mesos, Scheduler } = require(home);
const { CommandInfo } = Mesos.getMesos();

function say(...what) {
    process.stdout.write(JSON.stringify(what) + "\n");
}

const tasks = {
    sleeper: {
        commandInfo: new CommandInfo(null, null, true, "sleep 1000", null, null),
        resources: { cpus: 0.1, mem: 32, disk: 0, ports: 2 },
    },
};
const scheduler = new Scheduler({
    masterUrl: host,
    port: port,
    frameworkName: "node",
    frameworkFailoverTimeout: 600,
    exponentialBackoffMinimum: 0.01,
    logging: { level: "none" },
    tasks: id ? {} : tasks,
});
scheduler.frameworkId = id || null;
let acknowledged = 0;

scheduler.on("ready", () => scheduler.subscribe());
scheduler.on("subscribed", (event) => {
    say("subscribed", event.frameworkId);
    if (id) {
        scheduler.reconcile();
    }
});
scheduler.on("update", ({ status }) => {
    say(status.state, status.reason || null);
    if (id && status.reason === "REASON_RECONCILIATION") {
        scheduler.kill(status.task_id.value, status.agent_id.value);
    }
    if (id && status.state === "TASK_KILLED") {
        scheduler.once("sent_teardown", () => process.exit(0));
        scheduler.teardown();
    }
});
scheduler.on("sent_acknowledge", () => {
    acknowledged += 1;
    if (acknowledged === 2) {
        say("both acknowledged");
    }
});
scheduler.on("error", (error) => say("error", error.message || error));
