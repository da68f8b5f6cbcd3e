#!/usr/bin/env python3
"""test_generate_remote.py -- assay generate against a server: what is asked, in which order it is written, what is asked
again, what ends the run and how it goes on. The server is this file's own, over real HTTP, so that it can fail on demand;
peers.remote asks real ones. SPDX-License-Identifier: Apache-2.0"""
import http.server
import json
import signal
import threading
import time

from run_assay import AssayTest, lines_of, main, wait_for

PROMPTS = [{"id": "a", "prompt": "one \"two\" ü"}, {"id": 7, "prompt": ""}, {"id": "c", "prompt": "x", "more": 1}]


class Server(http.server.ThreadingHTTPServer):
    """Answers by `answer(path, body, number) -> (status, headers, object or bytes)`; None: cut in the middle."""
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, answer, models=("m",), **more):
        self.answer, self.models, self.more = answer, models, more
        self.seen, self.keys, self.lock = [], set(), threading.Lock()
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request, client_address):
        """A client that went away is part of the tests."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def give(self, status, value, headers=()):
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        for name, text in headers:
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        self.server.keys.add(self.headers.get("Authorization"))
        if self.path == "/v1/models" and self.server.models is not None:
            self.give(200, {"object": "list", "data": [{"id": m, "owned_by": "test"} for m in self.server.models]})
        elif self.path == "/version" and "version" in self.server.more:
            self.give(200, {"version": self.server.more["version"]})
        else:
            self.give(404, {"detail": "Not Found"})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            number = len(self.server.seen)
            self.server.seen.append((self.path, body))
            self.server.keys.add(self.headers.get("Authorization"))
        given = self.server.answer(self.path, body, number)
        if given is None:
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b'{"choices":')
            self.close_connection = True
            return
        self.give(given[0], given[2], given[1])


def text_reply(body, **more):
    """A completion that shows what was asked."""
    text = f"{body['prompt']}|{body['seed']}"
    choice = {"index": 0, "text": text, "finish_reason": "stop", "logprobs": {"token_logprobs": [-0.5, -1.25]}}
    return 200, (), {"choices": [dict(choice, **more)], "usage": {"completion_tokens": 2}}


def chat_reply(body, **more):
    message = {"role": "assistant", "content": json.dumps(body["messages"])}
    logprobs = {"content": [{"token": "x", "logprob": -0.25}]}
    choice = {"index": 0, "message": dict(message, **more), "finish_reason": "length", "logprobs": logprobs}
    return 200, (), {"choices": [choice], "usage": {"completion_tokens": 1}}


class Remote(AssayTest):
    def serve(self, answer=lambda path, body, number: text_reply(body), **more):
        server = Server(answer, **more)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server

    def at(self, name):
        return self.dir / name

    def generate(self, url, *args, prompts=None, **more):
        path = self.file("prompts.jsonl", prompts or PROMPTS)
        return self.assay("generate", "--model", url, "--prompts", path, *args, **more)

    def test_lines(self):
        server = self.serve(version="1.2")
        out, args = self.at("s.jsonl"), ("--n", 3, "--seed", 10, "--logprobs", "--max-tokens", 5, "--stop", "END")
        run = self.generate(server.url, *args, "--out", out, "--json")
        rows = lines_of(out.read_text())
        self.assertEqual([(r["problem_id"], r["sample_idx"], r["seed"]) for r in rows],
                         [(p["id"], k, 10 + k) for p in PROMPTS for k in range(3)])
        for row, prompt in zip(rows, [p for p in PROMPTS for _ in range(3)]):
            self.assertEqual(row["completion"], f"{prompt['prompt']}|{row['seed']}")
            self.assertEqual((row["finish_reason"], row["n_tokens"], row["sum_logp"]), ("stop", 2, -1.75))
            self.assertIsNone(row["entropy_mean"])
            self.assertEqual(row["logprobs"], [-0.5, -1.25])
        path, body = server.seen[0]
        self.assertEqual(path, "/v1/completions")
        want = {"model": "m", "n": 1, "max_tokens": 5, "temperature": 1, "top_p": 1, "top_k": 0, "min_p": 0,
                "repetition_penalty": 1, "repeat_penalty": 1, "presence_penalty": 0, "frequency_penalty": 0, "stop": ["END"],
                "logprobs": 1, "stream": False}
        self.assertEqual({k: v for k, v in body.items() if k not in ("prompt", "seed")}, want)
        summary = json.loads(run.out)
        self.assertEqual((summary["samples"], summary["requests"], summary["requests_again"]), (9, 9, 0))
        self.assertAlmostEqual(summary["logp_mean"], -0.875)
        self.assertIsNone(summary["entropy_mean"])
        config = json.loads(self.at("s.jsonl.manifest.json").read_text())["config"]
        self.assertEqual((config["address"], config["served_model"], config["server"]),
                         (server.url + "/v1", "m", "test 1.2"))

    def test_chat(self):
        server = self.serve(lambda path, body, number: chat_reply(body, reasoning_content="because"))
        conversation = [{"role": "system", "content": "s"}, {"role": "user", "content": "\u00e9\n"}]
        rows = lines_of(self.generate(server.url + "/v1/chat/completions", "--chat",
                                      prompts=[PROMPTS[0], {"id": 1, "messages": conversation}]).out)
        self.assertEqual([path for path, _ in server.seen], ["/v1/chat/completions"] * 2)
        self.assertEqual(json.loads(rows[0]["completion"]), [{"role": "user", "content": PROMPTS[0]["prompt"]}])
        self.assertEqual(json.loads(rows[1]["completion"]), conversation)
        self.assertEqual((rows[1]["reasoning"], rows[1]["finish_reason"], rows[1]["sum_logp"]),
                         ("because", "length", -0.25))
        self.assertIs(server.seen[0][1]["logprobs"], True)

    def test_order_and_number_of_requests(self):
        """Late answers do not change the file, and no more are under way than was said."""
        most = [0, 0]
        lock = threading.Lock()

        def answer(path, body, number):
            with lock:
                most[0] += 1
                most[1] = max(most)
            time.sleep(0.03 * ((number * 7) % 5))
            with lock:
                most[0] -= 1
            return text_reply(body)

        prompts = [{"id": k, "prompt": f"p{k}"} for k in range(20)]
        server = self.serve(answer)
        rows = lines_of(self.generate(server.url, "--n", 3, "--max-seqs", 8, prompts=prompts).out)
        self.assertEqual([(r["problem_id"], r["sample_idx"]) for r in rows], [(k, s) for k in range(20) for s in range(3)])
        self.assertTrue(2 <= most[1] <= 8, most)

    def test_asks_again(self):
        """429 with its delay, 500, an answer that is cut: each once, and every sample is there."""
        begin = {}

        def answer(path, body, number):
            begin[number] = time.monotonic()
            if number == 0:
                return 429, (("Retry-After", "1"),), {"error": {"message": "slow down"}}
            if number == 1:
                return 500, (), b"<html>oops"
            return None if number == 2 else text_reply(body)

        run = self.generate(self.serve(answer).url, "--n", 2, "--max-seqs", 1, "--json", "--out", self.at("s.jsonl"))
        self.assertEqual(len(lines_of(self.at("s.jsonl").read_text())), 6)
        self.assertEqual(json.loads(run.out)["requests_again"], 3)
        self.say(run, "HTTP 429; asking again in 1.0 s", "HTTP 500; asking again in 1.0 s", "again in 2.0 s")
        self.assertGreaterEqual(begin[1] - begin[0], 1)

    def test_gives_up_and_goes_on(self):
        """What could not be had ends the run with 6; --resume asks for the rest, and only for that."""
        down = [True]

        def answer(path, body, number):
            return (503, (("retry-after", "0"),), {"detail": "overloaded"}) if down[0] and body["prompt"] == "x" else text_reply(body)

        server, out = self.serve(answer), self.at("s.jsonl")
        args = (server.url, "--n", 2, "--max-seqs", 1, "--tries", 3, "--out", out)
        run = self.generate(*args, rc=6)
        self.say(run, "HTTP 503, 3 times: \"overloaded\"", "to go on:")
        self.assertEqual(len(lines_of(out.read_text())), 4)
        down[0], asked = False, len(server.seen)
        self.say(self.generate(*args, "--resume"), "kept     4 samples")
        self.assertEqual(len(server.seen) - asked, 2)
        self.assertEqual([(r["problem_id"], r["sample_idx"]) for r in lines_of(out.read_text())],
                         [(p["id"], k) for p in PROMPTS for k in (0, 1)])

    def test_interrupted(self):
        gate = threading.Event()
        self.addCleanup(gate.set)

        def answer(path, body, number):
            if number >= 3:
                gate.wait(60)
            return text_reply(body)

        server, out = self.serve(answer), self.at("s.jsonl")
        process = self.start("generate", "--model", server.url, "--prompts", self.file("prompts.jsonl", PROMPTS), "--n", 2,
                             "--max-seqs", 2, "--out", out)
        wait_for(lambda: len(server.seen) >= 5)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, err)
        kept = len(lines_of(out.read_text()))
        self.assertGreaterEqual(kept, 2)
        gate.set()
        self.generate(server.url, "--n", 2, "--max-seqs", 2, "--out", out, "--resume")
        self.assertEqual(len(lines_of(out.read_text())), 6)

    def test_asks_for_less(self):
        """A server that knows neither top_k nor log-probabilities; one that wants max_completion_tokens."""
        def plain(path, body, number):
            if "top_k" in body or "logprobs" in body:
                return 400, (), {"error": {"message": "Unrecognized request argument supplied: top_k"}}
            if "max_tokens" in body:
                return 400, (), {"error": {"message": "Use 'max_completion_tokens' instead of 'max_tokens'"}}
            return text_reply(body, logprobs=None)

        server = self.serve(plain)
        run = self.generate(server.url, "--max-seqs", 2, "--max-tokens", 9)
        self.assertEqual([r["sum_logp"] for r in lines_of(run.out)], [None] * 3)
        self.say(run, "refuses a request (Unrecognized request argument supplied: top_k)")
        self.assertEqual(server.seen[-1][1]["max_completion_tokens"], 9)
        self.say(self.generate(server.url, "--top-k", 5, rc=6), "Unrecognized request argument")

    def test_key(self):
        server = self.serve()
        self.generate(server.url, env={"ASSAY_API_KEY": "secret-1"})
        self.assertEqual(server.keys, {"Bearer secret-1"})
        self.say(self.generate(server.url, env={"ASSAY_API_KEY": "a\r\nX: y"}, rc=2), "ASSAY_API_KEY")
        closed = self.serve(lambda *_: (401, (), {"error": {"message": "invalid api key"}}))
        self.say(self.generate(closed.url, rc=6), "HTTP 401", "ASSAY_API_KEY", "invalid api key")

    def test_which_model(self):
        several = self.serve(models=("m1", "m2"))
        self.say(self.generate(several.url, rc=6), "2 models", "m1, m2", "--served-model")
        self.say(self.generate(several.url, "--served-model", "m3", rc=6), "no model m3", "m1, m2")
        self.generate(several.url, "--served-model", "m2")
        self.assertEqual({body["model"] for _, body in several.seen}, {"m2"})
        silent = self.serve(models=None)
        self.say(self.generate(silent.url, rc=6), "HTTP 404")
        self.generate(silent.url + "/v1/", "--served-model", "any")
        self.say(self.generate("http://127.0.0.1:1", rc=6), "is the server running?")

    def test_refusals(self):
        server = self.serve()
        for url, say in (("http://", "no address"), ("http://u:p@h", "password"), ("http://h?x=1", "without a query")):
            run = self.generate(url, rc=2)
            self.say(run, say)
            self.assertNotIn("u:p", run.err)
        for words in (("--chat-template", "chatml"), ("--context", 64), ("--device", "cuda"), ("--dtype", "bf16")):
            self.say(self.generate(server.url, *words, rc=2), f"{words[0]} is the server's affair")
        self.say(self.generate(server.url, "--stop", "", rc=2), "--stop")
        self.say(self.generate(server.url, "--token-ids", rc=6), "token_ids")
        self.say(self.assay("ppl", "--model", server.url, "--in", self.file("p.jsonl", PROMPTS), rc=2), "needs the model itself")

    def test_odd_answers(self):
        """Nothing is made up of an answer that is none."""
        for body, say in ((b"not json", "not JSON"), (b"[]", "not a JSON object"), (b"{}", "no \"choices\""),
                          (b"{\"choices\":[]}", "no \"choices\""), (b"{\"choices\":[{}]}", "no \"text\""),
                          (b"{\"choices\":[{\"text\":7}]}", "no \"text\""), (b"\xff", "not JSON"),
                          (b"{\"choices\":[{\"text\":\"x\"}]}", "how many tokens"), (b"[" * 9000, "not JSON")):
            server = self.serve(lambda path, asked, number, body=body: (200, (), body))
            self.say(self.generate(server.url, rc=6), say)
        none = self.serve(lambda path, body, number: chat_reply(body, content=None))
        self.assertEqual([r["completion"] for r in lines_of(self.generate(none.url, "--chat").out)], [""] * 3)
        many = self.serve(lambda path, body, number: text_reply(body, finish_reason=None, logprobs={"token_logprobs": [None]}))
        self.assertEqual([(r["finish_reason"], r["sum_logp"], r["n_tokens"]) for r in lines_of(self.generate(many.url).out)],
                         [("unknown", None, 2)] * 3)
        ids = self.serve(lambda path, body, number: text_reply(body, token_ids=[5, 6]))
        self.assertEqual(lines_of(self.generate(ids.url, "--token-ids").out)[0]["token_ids"], [5, 6])
        self.assertIs(ids.seen[0][1]["return_token_ids"], True)


if __name__ == "__main__":
    main()
