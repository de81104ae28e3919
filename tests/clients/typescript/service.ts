// The service as a process of its own that can be killed and started again, and a proxy in front of
// it that loses answers.
import { type ChildProcess, spawn } from "node:child_process";
import { sign } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import * as http from "node:http";
import { type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Client, type ClientOptions } from "chat-sessions-client";

const COMMAND = process.env["COMMAND"] ?? "chat-sessions";

type Settings = Record<string, string>;

export class Service {
  readonly #folder = mkdtempSync(join(tmpdir(), "chat-sessions-"));
  readonly #settings: Settings;
  #welcomed = "";
  #process: ChildProcess | undefined;
  port = 0;

  private constructor(settings: Settings) {
    this.#settings = { CHAT_SESSIONS_RATE_LIMITS: "off", ...settings };
  }

  static async start(settings: Settings = {}): Promise<Service> {
    const service = new Service(settings);
    await service.start();
    return service;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Start it on the port that it had. */
  async start(): Promise<void> {
    const started = spawn(COMMAND, ["serve"], {
      cwd: this.#folder,
      env: { ...process.env, ...this.#settings, CHAT_SESSIONS_PORT: `${this.port}` },
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#process = started;
    let welcome = "";
    for await (const text of started
      .stderr!.setEncoding("utf8")
      .iterator({ destroyOnReturn: false })) {
      welcome += text;
      this.port ||= Number(/http:\/\/127\.0\.0\.1:(\d+)/.exec(welcome)?.[1] ?? 0);
      if (this.port && /^curl /m.test(welcome)) break;
    }
    started.stderr!.resume();
    this.#welcomed ||= /eyJ[\w-]+\.[\w-]+\.[\w-]+/.exec(welcome)?.[0] ?? "";
    if (!this.#welcomed) throw new Error(welcome);
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const ended = once(this.#process!, "exit");
    this.#process!.kill(signal);
    await ended;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true });
  }

  /** A development token, as the service's own key signs it. */
  token(who = "alice"): string {
    const [head, claims] = this.#welcomed.split(".", 2);
    const wanted = { ...JSON.parse(Buffer.from(claims!, "base64url").toString()), sub: who };
    const signed = `${head}.${Buffer.from(JSON.stringify(wanted)).toString("base64url")}`;
    const pem = readFileSync(join(this.#folder, "chat-sessions-development-key.pem"));
    const key = { key: pem, dsaEncoding: "ieee-p1363" as const };
    return `${signed}.${sign("sha256", Buffer.from(signed), key).toString("base64url")}`;
  }

  client(options: Partial<ClientOptions> = {}): Client {
    return new Client({ baseUrl: this.url, token: this.token(), ...options });
  }
}

/** Passes requests on, and loses an answer where it is told to: the service has carried it out. */
export class LosingProxy {
  /** Whether to lose the answer to a request. */
  loses: (request: http.IncomingMessage) => boolean = () => false;
  lost = 0;
  asked: string[] = [];
  release = (): void => undefined;
  #released = Promise.resolve();
  readonly #service: Service;
  readonly #server = http.createServer((request, response) => this.#pass(request, response));

  constructor(service: Service) {
    this.#service = service;
  }

  async start(): Promise<this> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  /** Lose the next answers to requests of a method. */
  loseNext(method: string, count = 1): void {
    this.loses = (request) => request.method === method && count-- > 0;
  }

  /** Lose answers only once they are released. */
  hold(): void {
    this.#released = new Promise((release) => (this.release = release));
  }

  #pass(request: http.IncomingMessage, response: http.ServerResponse): void {
    this.asked.push(`${request.method} ${request.url}`);
    const { method, url: path, headers } = request;
    const isLost = this.loses(request);
    const target = { port: this.#service.port, host: "127.0.0.1", method, path, headers };
    const passed = http.request({ ...target, agent: false }, (answer) => {
      if (isLost) {
        answer.resume().on("end", async () => {
          await this.#released;
          this.lost++;
          request.socket.destroy();
        });
        return;
      }
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
      answer.on("close", () => answer.complete || request.socket.destroy());
    });
    passed.on("error", () => request.socket.destroy());
    response.on("close", () => passed.destroy());
    request.pipe(passed);
  }
}

/** Wait for a state. */
export async function until(is: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await is())) await new Promise((done) => setTimeout(done, 10));
}

export async function take<T>(items: AsyncIterable<T>, count: number): Promise<T[]> {
  const taken: T[] = [];
  for await (const item of items) if (taken.push(item) === count) break;
  return taken;
}
