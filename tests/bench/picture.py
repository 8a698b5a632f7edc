"""The cells a second of all engines as bars, one panel a model and length."""


def draw(result, path):
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "bench"
    from matplotlib import pyplot

    rows = [r for r in result["network"] if not r["engine"].endswith("cls -1")]
    panels = list(dict.fromkeys((r["model"], r["cells_are"]) for r in rows))
    across = min(4, len(panels))
    down = -(-len(panels) // across)
    figure, axes = pyplot.subplots(down, across, figsize=(4.2 * across, 2.6 * down), squeeze=False, layout="constrained")
    for ax in axes.flat[len(panels):]:
        ax.set_axis_off()
    for ax, (model, cells) in zip(axes.flat, panels):
        shown = [r for r in rows if (r["model"], r["cells_are"]) == (model, cells)][::-1]
        bars = ax.barh([r["engine"] for r in shown], [r["cells_per_second"] for r in shown],
                       color=["#0072b2" if r["engine"].startswith("gfembed") else "#999999" for r in shown])
        ax.bar_label(bars, fmt="%.3g", padding=2, fontsize=8)
        ax.set_title(f"{model}, {cells}{' tokens' if cells.isdigit() else ''}", fontsize=10)
        ax.margins(x=0.15)
        ax.tick_params(labelsize=8)
        ax.spines[["top", "right"]].set_visible(False)
    figure.supxlabel(f"cells/s, {result['options']['threads']} threads, {result['processor']['name']}", fontsize=9)
    figure.savefig(path, metadata={"Date": None})
    return path
