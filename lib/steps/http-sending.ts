/** Counts the requests that a winston HTTP transport has sent and that nobody has answered yet. */

type Answered = (error?: Error | null, response?: { readonly statusCode?: number }) => void;

interface HttpTransport {
  _doRequest(options: unknown, answered: Answered | undefined, ...rest: unknown[]): void;
}

/** Lives as long as its transport: the transport tells only its own callback how a request ended. */
export class HttpSending {
  #open = 0;
  #noting = false;
  #error: Error | undefined;

  constructor(transport: HttpTransport) {
    const send = transport._doRequest.bind(transport);
    transport._doRequest = (options, answered, ...rest) => {
      this.#open += 1;
      let over = false;
      const callback: Answered = (error, response) => {
        if (!over) this.#ended(error, response);
        over = true;
        answered?.(error, response);
      };
      send(options, callback, ...rest);
    };
  }

  /** Requests on their way. */
  get open(): number {
    return this.#open;
  }

  /** The first failure since `noteFailures()`; what failed before that is long past. */
  get error(): Error | undefined {
    return this.#error;
  }

  noteFailures(): void {
    this.#noting = true;
  }

  #ended(error?: Error | null, response?: { readonly statusCode?: number }): void {
    this.#open -= 1;
    if (!this.#noting) return;
    // As the transport itself sees it.
    const refused = response !== undefined && response.statusCode !== 200;
    if (error) this.#error ??= error;
    else if (refused) this.#error ??= new Error(`The log server answered ${response.statusCode}`);
  }
}
