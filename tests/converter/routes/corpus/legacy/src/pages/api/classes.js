class Base {
  handle(req, res) {
    res.writeHead(418, 'teapot', { 'X-Kind': this.constructor.name });
    res.end(Buffer.from('short and stout'));
  }
}
class Pot extends Base {}

const pot = new Pot();
module.exports = pot.handle.bind(pot);
