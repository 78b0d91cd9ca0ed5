/** Which methods of node-llama-cpp generate, and where each takes its AbortSignal. */

/** The index of the options, in which `signal` is; undefined where the method takes none. */
const OPTIONS_AT = new Map<PropertyKey, number | undefined>([
  // LlamaChatSession
  ['prompt', 1],
  ['promptWithMeta', 1],
  ['preloadPrompt', 1],
  ['completePrompt', 1],
  ['completePromptWithMeta', 1],
  ['decide', 1],
  ['decideWithMeta', 1],
  // LlamaChat
  ['generateResponse', 1],
  ['loadChatAndCompleteUserMessage', 1],
  ['generateDecisions', 2],
  // LlamaCompletion
  ['generateCompletion', 1],
  ['generateCompletionWithMeta', 1],
  ['generateInfillCompletion', 2],
  ['generateInfillCompletionWithMeta', 2],
  // LlamaEmbeddingContext, LlamaRankingContext
  ['getEmbeddingFor', undefined],
  ['rank', undefined],
  ['rankAll', undefined],
  ['rankAndSort', undefined],
]);

export function isGeneration(key: PropertyKey): boolean {
  return OPTIONS_AT.has(key);
}

/** The arguments with a signal that aborts with `signal`, and with the caller's own. */
export function abortable(
  key: PropertyKey,
  args: readonly unknown[],
  signal: AbortSignal,
): unknown[] {
  const index = OPTIONS_AT.get(key);
  if (index === undefined) return [...args];
  const options = args[index] as { readonly signal?: AbortSignal } | undefined;
  const own = options?.signal;
  const both = own === undefined ? signal : AbortSignal.any([signal, own]);
  // Array.from fills what the caller has left out.
  const all: unknown[] = Array.from(
    { length: Math.max(args.length, index + 1) },
    (_, at) => args[at],
  );
  all[index] = { ...options, signal: both };
  return all;
}
