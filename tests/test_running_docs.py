"""What docs/running.md tells people to type and to apply is at least well formed."""

import re
import shlex
import subprocess
from pathlib import Path

import click
import pytest
import yaml

from bench.cli import main

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "running.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, flags=re.DOTALL)


def commands() -> list[str]:
    """Every `bench …` line of the shell blocks and of the files in them."""
    shell = "\n".join(blocks("bash")).replace("\\\n", " ")
    found = [line for line in shell.splitlines() if re.match(r"(srun )?bench ", line)]
    found += re.findall(r'"/tmp/bench/bin/(bench .*?)"', shell)
    found += re.findall(r"-- (bench .*)", shell)
    return found + re.findall(r"entrypoint: (.*)", TEXT)


@pytest.mark.parametrize("line", commands())
def test_every_bench_command_parses(line):
    line = line.removeprefix("srun ").replace("${datasets[$SLURM_ARRAY_TASK_ID]}", "cars3d")
    words = shlex.split(line, comments=True)
    verb, arguments = main.get_command(click.Context(main), words[1]), words[2:]
    while isinstance(verb, click.Group):
        verb, arguments = verb.commands[arguments[0]], arguments[1:]
    verb.make_context(words[1], arguments)


def test_the_commands_of_every_section_are_looked_at():
    verbs = {line.removeprefix("srun ").split()[1] for line in commands()}
    assert verbs == {"run", "plan", "status", "report", "data"}
    assert [line for line in commands() if "--address auto --results /shared/results" in line][1:]


@pytest.mark.parametrize("script", blocks("bash"))
def test_every_script_is_a_shell_script(script):
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def test_the_cluster_file_is_one_that_ray_up_takes():
    from ray.autoscaler._private.util import prepare_config, validate_config

    (cluster,) = (file for file in map(yaml.safe_load, blocks("yaml")) if "cluster_name" in file)
    validate_config(prepare_config(cluster | {"cluster_synced_files": []}))


def test_no_head_reports_its_use():
    """It is the head that would, whatever the driver has set."""
    heads = re.findall(r"ray start --head[^`\n]*", TEXT)
    assert len(heads) == 3
    assert all("--disable-usage-stats" in head for head in heads)


def test_the_job_for_kubernetes_mounts_one_volume_everywhere_and_has_the_pinned_ray():
    (job,) = (file for file in map(yaml.safe_load, blocks("yaml")) if file.get("kind") == "RayJob")
    cluster = job["spec"]["rayClusterSpec"]
    pods = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    for pod in (group["template"]["spec"] for group in pods):
        assert [mount["name"] for mount in pod["containers"][0]["volumeMounts"]] == ["shared"]
        assert [volume["name"] for volume in pod["volumes"]] == ["shared"]
    pinned = re.search(r"^ray==(.*)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)[1]
    assert cluster["rayVersion"] == pinned
    assert f"rayproject/ray:{pinned}-" in blocks("dockerfile")[0]
