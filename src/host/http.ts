/**
 * Node's HTTP without the rest: `import 'node:http'` also loads the whole of fetch and WebSocket behind its exports, which
 * costs 35 ms and 16 MB here; asked for like this it costs 3 ms and 5 MB.
 */
export const { createServer, request } = process.getBuiltinModule('node:http');
