"""All metadata of the distribution; EL9's setuptools reads it from nowhere else."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).resolve().parent
VERSION = re.search(
    r'^__version__ = "([^"]+)"', (HERE / "vcycle/__init__.py").read_text("utf-8"), re.MULTILINE
)
assert VERSION is not None, "vcycle/__init__.py has no __version__"

setup(
    name="vcycle",
    version=VERSION.group(1),
    description="Manager of ephemeral virtual machines, by the vacuum model",
    long_description=(HERE / "README.rst").read_text("utf-8"),
    long_description_content_type="text/x-rst",
    license="BSD-2-Clause",
    python_requires=">=3.9",
    packages=find_packages(include=["vcycle", "vcycle.*"]),
    # One file, never a stray dropin.cache; package_dir keeps an editable install known to twistd.
    py_modules=["twisted.plugins.vcycle_plugin"],
    package_dir={"": "."},
    package_data={"vcycle": ["py.typed"], "vcycle.monitor": ["page/*"]},
    install_requires=[
        "Twisted>=22.10",
        "attrs>=21.4",
        # Signatures of images and X.509 proxies; pyOpenSSL itself stands on it.
        "cryptography>=36",
        "libvirt-python>=7",
        "pyOpenSSL>=21",
        "service_identity>=18.1",
        "zope.interface>=5.4",
    ],
    extras_require={
        # CD-ROMs with user_data, where user_data_delivery asks for them.
        "iso": ["pycdlib"],
        # Metrics in the form that Prometheus reads.
        "metrics": ["prometheus_client"],
        "test": [
            "argo-ams-library",
            "build",
            "dirq",
            "hypothesis",
            "mypy",
            "mypy-zope",
            "nagiosplugin",
            "prometheus_client",
            "pycdlib",
            "pytest",
            "ruff",
            "selenium",
            "setuptools",
            "shtab",
            "sphinx",
            "towncrier",
            "wheel",
        ],
    },
    # No entry point: the scripts made of those import what takes longer than the whole check.
    scripts=["packaging/scripts/check-vcycled"],
    entry_points={
        "console_scripts": [
            "vcycle=vcycle.commands.main:main",
            "vcycled=vcycle.daemon.foreground:main",
        ]
    },
    zip_safe=False,
)
