"""The endpoints an application has by itself, and what it does with realms, rules, scripts and files, end to end."""

import asyncio
import json

import httpx2
import jwt
import pytest
from prometheus_client.parser import text_string_to_metric_families

import libactor as la
from libactor import http
from libactor.http.durations import UNITS_NS

LIMIT = 30
SECRET = "a secret of more than thirty-two bytes"


class Shop(la.Actor):
    """Sells tea."""

    def __init__(self, id="shop"):
        super().__init__(id)

    @la.route("/price")
    def price(self, request):
        """What tea <costs>.

        In pence & always whole.
        """
        return {"tea": 250}

    @la.route("/till", realm="staff")
    def till(self, request, principal):
        return {
            "who": None if principal is None else principal.value,
            "claims": dict(principal.claims if principal else {}),
        }

    @la.route("/list")
    def list(self, request):
        return ["tea"] * 1000


@pytest.fixture
def shop(runtime):
    la.spawn(Shop())
    return runtime


def ask(site, *paths, method="GET", headers=None, auth=None):
    """What ``site`` answers to requests that are sent together: one response, or a list of them."""

    async def send():
        transport = httpx2.ASGITransport(site)
        async with httpx2.AsyncClient(transport=transport, base_url="http://shop", timeout=LIMIT) as client:
            requests = (client.request(method, path, headers=headers, auth=auth) for path in paths)
            return await asyncio.gather(*requests)

    found = asyncio.run(send())
    return found[0] if len(found) == 1 else found


# LP HTTPTest.EndpointsHelp
def test_help_tells_what_actors_answer_to_and_escapes_it(shop):
    site = http.application(shop)

    index, page, route = ask(site, "/help", "/help/shop", "/help/shop/price")

    assert [found.status_code for found in (index, page, route)] == [200] * 3
    assert index.headers["content-type"] == "text/html; charset=utf-8"
    assert '<a href="/help/shop">/shop</a>' in index.text
    assert '<a href="/help/__processes__">' in index.text
    for found in (page, route):
        assert "What tea &lt;costs&gt;.\n\nIn pence &amp; always whole." in found.text
    assert "/shop/till" in page.text
    assert "/shop/till" not in route.text


def test_help_is_json_for_programs(shop):
    site = http.application(shop)

    everything, route = ask(site, "/help?format=json", "/help/shop/price?format=json")

    assert [entry["id"] for entry in everything.json()["processes"]] == ["__processes__", "help", "metrics", "shop"]
    text = "What tea <costs>.\n\nIn pence & always whole."
    own = next(entry for entry in everything.json()["processes"] if entry["id"] == "metrics")
    assert [endpoint["name"] for endpoint in own["endpoints"]] == ["/snapshot", "/"]
    assert route.json() == {"processes": [{"id": "shop", "endpoints": [{"name": "/price", "text": text}]}]}


def test_what_several_methods_of_a_path_say_stands_together(runtime):
    class Twice(la.Actor):
        @la.route("/x", methods=["GET"])
        def look(self, request):
            """Look at it."""

        @la.route("/x", methods=["PUT"])
        def change(self, request):
            """Change it."""

    pid = la.spawn(Twice())

    text = ask(http.application(runtime), f"/help/{pid.id}/x?format=json").json()["processes"][0]["endpoints"][0][
        "text"
    ]

    assert sorted(text.split("\n\n")) == ["GET, HEAD\nLook at it.", "PUT\nChange it."]


def test_help_tells_the_realm_of_a_route(shop):
    found = ask(http.application(shop), "/help/shop/till?format=json").json()

    assert found["processes"][0]["endpoints"] == [{"name": "/till", "text": "realm staff"}]


# LP HTTPTest.EndpointsHelpRemoval
def test_with_its_actor_help_goes_too(shop):
    site = http.application(shop)
    pid = shop.find("shop")
    shop.terminate(pid)
    shop.wait(pid)

    assert ask(site, "/help/shop").status_code == 404
    assert "shop" not in ask(site, "/help").text


@pytest.mark.parametrize("path", ["/help/none", "/help/shop/none", "/help/<script>", "/help/shop/price/x"])
def test_help_on_what_is_not_there_is_404(shop, path):
    found = ask(http.application(shop), path)

    assert found.status_code == 404
    assert found.headers["content-type"] == "text/plain; charset=utf-8"


def test_an_id_of_strange_letters_is_linked_and_escaped(runtime):
    la.spawn(Shop('a"<b> c%2F&'))
    site = http.application(runtime)

    page = ask(site, "/help").text

    assert "/help/a%22%3Cb%3E%20c%252F%26" in page
    assert "/a&quot;&lt;b&gt; c%2F&amp;" in page
    assert ask(site, "/help/a%22%3Cb%3E%20c%252F%26").status_code == 200


def test_the_list_of_actors_is_answered_although_one_is_stuck(shop, hold):
    opened, held = hold(shop.find("shop"))
    la.dispatch(shop.find("shop"), Shop.price, None)

    found = ask(http.application(shop), "/__processes__")

    opened.set(None)
    held.get(LIMIT)
    assert found.json() == [{"id": "shop", "events": [{"type": "DISPATCH", "name": "price"}]}]


def test_a_snapshot_is_one_object_in_order_of_names(shop):
    shop.metrics.add(la.metrics.PushGauge("a/z"))
    shop.metrics.add(la.metrics.PushGauge("a/b"))

    found = ask(http.application(shop), "/metrics/snapshot")

    names = list(json.loads(found.text))
    assert names == sorted(names)
    assert {"a/b", "a/z", "libactor/actors"} <= set(names)
    assert found.headers["content-type"] == "application/json"


def test_tables_are_in_the_snapshot_and_not_among_the_series_for_prometheus(shop):
    shop.metrics.add(la.metrics.Table("sellers", lambda: [la.metrics.Row("bob", ("sales",), (7,))]))

    snapshot, *series = ask(http.application(shop), "/metrics/snapshot", "/metrics", "/metrics?timeout=5secs")

    assert snapshot.json()["sellers/bob/sales"] == 7
    assert all("libactor_actors" in found.text and "bob" not in found.text for found in series)


@pytest.mark.parametrize("timeout", ["", "5", "soon", "-1secs", "5%20secs", "nansecs", "%00", "9" * 30 + "secs"])
def test_a_timeout_that_is_no_duration_is_400(shop, timeout):
    for page in ("/metrics/snapshot", "/metrics"):
        found = ask(http.application(shop), f"{page}?timeout={timeout}")

        assert found.status_code == 400
        assert "expected a number and one of the units" in found.text


# Goal: a gauge that hangs is left out when the time is over, not before. Method: a clock that is moved by hand.
def test_gauges_have_until_the_timeout(paused):
    never = la.Promise()
    paused.metrics.add(la.metrics.Gauge("slow", lambda: never.future))
    site = http.application(paused)

    async def one(seconds):
        transport = httpx2.ASGITransport(site)
        async with httpx2.AsyncClient(transport=transport, base_url="http://shop", timeout=LIMIT) as client:
            found = asyncio.ensure_future(client.get("/metrics/snapshot?timeout=5secs"))
            while paused.clock.pending == 0:
                await asyncio.sleep(0)
            paused.clock.advance(seconds)
            if seconds < 5:
                await asyncio.to_thread(paused.clock.settle)
                never.set(7)
            return (await found).json()

    assert "slow" not in asyncio.run(one(5))
    paused.clock.advance(1)
    assert asyncio.run(one(4))["slow"] == 7


# Goal: who asks too soon waits for its turn. Method: three requests at once, and a clock that is moved by hand.
def test_two_snapshots_a_second_are_taken_and_others_wait(paused):
    site = http.application(paused)
    paths = ("/metrics/snapshot", "/metrics?timeout=5secs", "/metrics/snapshot")
    done = []

    async def ask_three():
        transport = httpx2.ASGITransport(site)
        async with httpx2.AsyncClient(transport=transport, base_url="http://shop", timeout=LIMIT) as client:
            waiting = {asyncio.ensure_future(client.get(path)) for path in paths}
            while waiting:
                answered, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                done.append([task.result().status_code for task in answered])
                paused.clock.advance(0.5)

    asyncio.run(ask_three())

    assert done == [[200], [200], [200]]


# Goal: visitors do not starve monitoring. Method: many of both at once, on a clock that moves once all have asked.
def test_monitoring_does_not_wait_behind_visitors_of_whom_only_so_many_wait(paused):
    site = http.application(paused)
    visitors, scrapers = [["/metrics/snapshot"] * 30, ["/metrics"] * 30]

    async def ask_all():
        transport = httpx2.ASGITransport(site)
        async with httpx2.AsyncClient(transport=transport, base_url="http://shop", timeout=LIMIT) as client:
            waiting = [asyncio.ensure_future(client.get(path)) for path in (*visitors, *scrapers)]
            visits, scrapes = waiting[:30], waiting[30:]
            refused = [found.result() for found in (await asyncio.wait(visits, return_when="FIRST_COMPLETED"))[0]]
            while len(refused) < 10:
                done, _ = await asyncio.wait([one for one in visits if not one.done()], return_when="FIRST_COMPLETED")
                refused += [one.result() for one in done]
            paused.clock.advance(0.5)
            scraped = [(await one).status_code for one in scrapes]
            for one in visits:
                one.cancel()
            await asyncio.gather(*visits, return_exceptions=True)
            return refused, scraped

    answered, scraped = asyncio.run(ask_all())

    assert sorted(found.status_code for found in answered) == [200] + [503] * 9
    assert {found.headers.get("retry-after") for found in answered if found.status_code == 503} == {"10"}
    assert scraped == [200] * 30


def test_the_limit_can_be_lifted(paused):
    site = http.application(paused, system=http.own_routes(paused, metrics_per_second=None))

    assert [found.status_code for found in ask(site, *["/metrics/snapshot"] * 5)] == [200] * 5


@pytest.mark.parametrize("path", ["/metrics/snapshot", "/metrics"])  # the second is one answer for all who wait
def test_a_client_that_goes_away_takes_nothing_from_the_next(paused, path):
    site = http.application(paused)

    async def leave():
        transport = httpx2.ASGITransport(site)
        async with httpx2.AsyncClient(transport=transport, base_url="http://shop", timeout=LIMIT) as client:
            await client.get(path)
            leaving, staying = (asyncio.ensure_future(client.get(path)) for _ in range(2))
            while paused.clock.pending == 0:
                await asyncio.sleep(0)
            leaving.cancel()
            await asyncio.wait([leaving])
            paused.clock.advance(0.5)
            return (await staying).status_code

    assert asyncio.run(leave()) == 200


def test_prometheus_reads_the_metrics(shop):
    sold = la.metrics.Counter("shop/sold")
    sold.increment(3)
    shop.metrics.add(sold)
    site = http.application(shop)

    found = ask(site, "/metrics")
    new = ask(http.application(shop), "/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})

    families = {family.name: family for family in text_string_to_metric_families(found.text)}
    assert families["shop_sold"].samples[0].value == 3
    assert found.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert new.headers["content-type"].startswith("application/openmetrics-text")
    assert new.text.endswith("# EOF\n")


@pytest.mark.parametrize("path", ["/metrics/none", "/metrics/snapshot/x", "/__processes__/x"])
def test_nothing_is_below_these_pages(shop, path):
    assert ask(http.application(shop), path).status_code == 404


def test_after_the_end_of_the_runtime_the_pages_are_503():
    runtime = la.Runtime()
    site = http.application(runtime)
    runtime.close()

    found = ask(site, "/help", "/__processes__", "/metrics", "/metrics/snapshot")

    assert [answer.status_code for answer in found] == [503] * 4


def test_who_waits_for_a_snapshot_when_the_runtime_closes_hears_so():
    runtime = la.Runtime()
    runtime.clock.pause()
    site = http.application(runtime)

    async def two():
        transport = httpx2.ASGITransport(site)
        async with httpx2.AsyncClient(transport=transport, base_url="http://shop", timeout=LIMIT) as client:
            await client.get("/metrics/snapshot")
            waiting = asyncio.ensure_future(client.get("/metrics/snapshot"))
            while runtime.clock.pending == 0:
                await asyncio.sleep(0)
            await asyncio.to_thread(runtime.close)
            return (await waiting).status_code

    assert asyncio.run(two()) == 503


# LP MetricsTest.SnapshotAuthenticationEnabled
def test_the_pages_may_have_a_realm(shop):
    site = http.application(
        shop, realms={"staff": http.Basic("staff", {"ann": "tea"})}, system=http.own_routes(shop, realm="staff")
    )
    pages = ("/metrics/snapshot", "/metrics", "/help", "/__processes__")

    assert [found.status_code for found in ask(site, *pages)] == [401] * 4
    assert [found.status_code for found in ask(site, *pages, auth=("ann", "tea"))] == [200] * 4


def test_an_application_may_have_none_of_them(shop):
    site = http.application(shop, system={})

    assert [found.status_code for found in ask(site, "/help", "/metrics", "/shop/price")] == [404, 404, 200]


# LP HttpAuthenticationTest.Basic
def test_a_password_opens_a_realm(shop):
    site = http.application(shop, realms={"staff": http.Basic("staff", {"ann": "tea"})})

    without, wrong, right = (
        ask(site, "/shop/till"),
        ask(site, "/shop/till", auth=("ann", "x")),
        ask(site, "/shop/till", auth=("ann", "tea")),
    )

    assert (without.status_code, wrong.status_code) == (401, 401)
    assert without.headers["www-authenticate"] == 'Basic realm="staff", charset="UTF-8"'
    assert right.json() == {"who": "ann", "claims": {}}


def test_a_token_opens_a_realm_and_its_claims_reach_the_actor(shop):
    site = http.application(shop, realms={"staff": http.JWT("staff", SECRET)})
    token = jwt.encode({"sub": "ann", "shift": "late"}, SECRET, "HS256")

    without, right = ask(site, "/shop/till"), ask(site, "/shop/till", headers={"Authorization": f"Bearer {token}"})

    assert without.status_code == 401
    assert right.json() == {"who": "ann", "claims": {"sub": "ann", "shift": "late"}}


def test_each_endpoint_may_ask_a_question_of_its_own(shop):
    asked = []

    async def is_ann(request, principal):
        asked.append(request.path)
        return principal.value == "ann"

    site = http.application(
        shop,
        realms={"staff": http.Basic("staff", {"ann": "tea", "bob": "jam"})},
        authorize=http.ByEndpoint({"/shop/till": is_ann, "/help": lambda request, principal: la.ready(False)}),
    )

    assert ask(site, "/shop/till", auth=("ann", "tea")).status_code == 200
    assert ask(site, "/shop/till/", auth=("bob", "jam")).status_code == 403
    assert ask(site, "/help/shop").status_code == 403
    assert ask(site, "/shop/price").status_code == 200
    assert asked == ["/shop/till", "/shop/till/"]


@pytest.mark.parametrize("questions", [{"shop": print}, {"/shop": None}])
def test_a_question_that_cannot_be_asked_is_refused(questions):
    with pytest.raises(TypeError, match="expected an endpoint"):
        http.ByEndpoint(questions)


# LP ProcessTest.FirewallUninstall
def test_rules_of_the_firewall_are_replaced_as_a_whole_and_taken_away(shop):
    site = http.application(shop, firewall=[http.DisabledPaths(["/shop/price"])])
    paths = ("/shop/price", "/shop/price/", "/shop/pric%65", "/shop/price/x", "/shop/list", "/help")
    assert [found.status_code for found in ask(site, *paths)] == [403, 403, 403, 200, 200, 200]

    site.firewall = (http.DisabledPaths(["/help"]),)
    assert [found.status_code for found in ask(site, *paths)] == [200, 200, 200, 200, 200, 403]

    site.firewall = ()
    assert [found.status_code for found in ask(site, *paths)] == [200] * 6


def test_large_answers_are_compressed_and_json_may_be_a_script(shop):
    site = http.application(shop)

    raw = ask(site, "/shop/list", headers={"Accept-Encoding": "identity"})
    small = ask(site, "/shop/list", headers={"Accept-Encoding": "gzip"})
    plain = ask(site, "/shop/price?jsonp=page.show")
    scripts = http.application(shop, finish=[http.jsonp, http.compress])
    script = ask(scripts, "/shop/price?jsonp=page.show")
    wrong = ask(scripts, "/shop/price?jsonp=alert(1)")

    assert "content-encoding" not in raw.headers
    assert small.headers["content-encoding"] == "gzip"
    assert int(small.headers["content-length"]) < len(raw.content) == len(small.content)
    assert plain.json() == {"tea": 250}  # unless it is asked for, no page of others reads our answers
    assert script.text == 'page.show({"tea":250});'
    assert (wrong.status_code, wrong.headers["content-type"]) == (400, "text/plain; charset=utf-8")


def test_a_large_script_is_compressed_too(shop):
    site = http.application(shop, finish=[http.jsonp, http.compress])

    found = ask(site, "/shop/list?jsonp=f", headers={"Accept-Encoding": "gzip"})

    assert found.headers["content-encoding"] == "gzip"
    assert found.text.startswith('f(["tea"')


class Web(la.Actor):
    def __init__(self, directory):
        super().__init__("web")
        self.files = http.Files(directory)

    @la.route("/assets")
    def assets(self, request):
        return self.files.answer(request)


# LP HTTPTest.ProvideSendfile
def test_files_are_handed_out_by_an_actor_or_by_the_site(runtime, tmp_path):
    (tmp_path / "page.html").write_text("<p>")
    (tmp_path / "large").write_bytes(b"x" * 1_000_000)
    la.spawn(Web(tmp_path))
    site = http.application(runtime, system={"/static": http.provide(tmp_path)})

    for base in ("/web/assets", "/static"):
        page, large, missing, outside = ask(
            site, *(f"{base}/{name}" for name in ("page.html", "large", "none", "%2e%2e/etc/passwd"))
        )
        head = ask(site, f"{base}/large", method="HEAD")
        part = ask(site, f"{base}/large", headers={"Range": "bytes=5-9"})

        assert (page.text, page.headers["content-type"]) == ("<p>", "text/html; charset=utf-8")
        assert (large.content, large.headers["content-length"]) == (b"x" * 1_000_000, "1000000")
        assert (missing.status_code, outside.status_code) == (404, 404)
        assert (head.content, head.headers["content-length"]) == (b"", "1000000")
        assert (part.status_code, part.content, part.headers["content-range"]) == (206, b"xxxxx", "bytes 5-9/1000000")


def test_every_unit_of_mesos_is_a_unit_here():
    assert list(UNITS_NS) == ["ns", "us", "ms", "secs", "mins", "hrs", "days", "weeks"]
