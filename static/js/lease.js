/* The time left of a lease: shown, renewed while the page is looked at, and said when
   it is over. Attributes:
   - data-lease on the element that says it, with
       data-lease-expires   ISO time at which the lease ends
       data-server-now      ISO time of the server when it drew the page
       data-renew-url       POST with lease_token; JSON answer {"lease_expires_at"}; 409 or
                            404: no longer ours
       data-lease-token     the token
       data-renew-seconds   how often to renew (default 30)
     It carries data-lease-state: ok, low (under 60 s), unsure (cannot reach the server)
     or expired.
   - [data-lease-left] inside it: receives "4:31".
   - [data-lease-expired]: shown (hidden removed) when the lease is over.
   - [data-needs-lease]: disabled when the lease is over.
   Without the script the server still answers 409 when the lease was lost. */

const LOW_SECONDS = 60;
const csrf = () => JSON.parse(document.body.getAttribute("hx-headers") || "{}")["X-CSRFToken"] ?? "";
let current = null;

class Lease {
  constructor(el) {
    this.el = el;
    this.offset = Date.parse(el.dataset.serverNow) - Date.now() || 0;
    this.expires = Date.parse(el.dataset.leaseExpires);
    this.every = Number(el.dataset.renewSeconds || 30) * 1000;
    this.renewedAt = Date.now();
    this.unsure = false;
    this.lost = false;
    this.renewing = false;
  }

  left() {
    return Math.max(0, Math.floor((this.expires - (Date.now() + this.offset)) / 1000));
  }

  tick() {
    const left = this.lost ? 0 : this.left();
    const shown = this.el.querySelector("[data-lease-left]");
    const text = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    if (shown && shown.textContent !== text) shown.textContent = text;
    const state = !left ? "expired" : this.unsure ? "unsure" : left <= LOW_SECONDS ? "low" : "ok";
    if (this.el.dataset.leaseState !== state) {
      this.el.dataset.leaseState = state;
      if (state === "expired") this.over();
    }
    if (left && !document.hidden && Date.now() - this.renewedAt >= this.every) this.renew();
  }

  over() {
    document.querySelectorAll("[data-lease-expired]").forEach((el) => (el.hidden = false));
    document.querySelectorAll("[data-needs-lease]").forEach((el) => (el.disabled = true));
  }

  async renew() {
    if (this.renewing || !this.el.dataset.renewUrl) return;
    this.renewing = true;
    this.renewedAt = Date.now();
    try {
      const answer = await fetch(this.el.dataset.renewUrl, {
        method: "POST",
        headers: { Accept: "application/json", "X-CSRFToken": csrf() },
        body: new URLSearchParams({ lease_token: this.el.dataset.leaseToken ?? "" }),
        signal: AbortSignal.timeout(10000),
      });
      this.unsure = answer.status >= 500;
      if (answer.status === 409 || answer.status === 404) this.lost = true;
      if (answer.ok) this.expires = Date.parse((await answer.json()).lease_expires_at) || this.expires;
    } catch {
      this.unsure = true;
    } finally {
      this.renewing = false;
    }
  }
}

function find() {
  const el = document.querySelector("[data-lease][data-lease-expires]");
  if (el !== current?.el) current = el ? new Lease(el) : null;
  current?.tick();
}
find();
setInterval(find, 1000);
document.addEventListener("htmx:load", find);
document.addEventListener("visibilitychange", () => {
  if (document.hidden || !current) return;
  current.renewedAt = 0; // coming back is the moment to ask whether it is still ours
  current.tick();
});
