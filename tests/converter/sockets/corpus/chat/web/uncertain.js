export function connect(url) {
  let retry = new WebSocket(url);
  retry.onclose = () => connect(url);
  return retry;
}
const other = new WebSocket('ws://localhost:8080/chat');
other.onclose = () => {};
