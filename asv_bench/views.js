// A graph's address says how asv opens it. Where one comes to a graph, this adds what the address leaves open.
(function () {
    const views = VIEWS;
    let shown = null;

    function complete() {
        const [, name, query = ""] = location.hash.match(/^#?\/?([^?]*)\??(.*)$/);
        if (name !== shown && name in views) {
            const said = new URLSearchParams(query);
            for (const [key, value] of Object.entries(views[name])) {
                if (!said.has(key)) {
                    said.set(key, value);
                }
            }
            history.replaceState(null, "", "#" + name + "?" + said);
        }
        shown = name;
    }

    complete();
    window.addEventListener("hashchange", complete);
})();
