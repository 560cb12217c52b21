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
    # Those that the tests run with.
    classifiers=[
        "Framework :: Twisted",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3.9",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
    ],
    packages=find_packages(include=["vcycle", "vcycle.*"]),
    # One file, never a stray dropin.cache; package_dir keeps an editable install known to twistd.
    py_modules=["twisted.plugins.vcycle_plugin"],
    package_dir={"": "."},
    package_data={"vcycle": ["py.typed"], "vcycle.monitor": ["page/*"]},
    # The lowest versions that all unit tests pass with; packaging/lowest has those per Python.
    install_requires=[
        "Twisted>=22.4",
        'Twisted>=23.8; python_version >= "3.12"',
        'Twisted>=24.3; python_version >= "3.13"',
        "attrs>=21.3",
        # Signatures of images and X.509 proxies; pyOpenSSL itself stands on it. Before 41 names
        # with several attributes in one part were read in any order.
        "cryptography>=41",
        # An older one is not built with the oldest libvirt that was tried.
        "libvirt-python>=9",
        "pyOpenSSL>=23.2",
        # Before, it needs six and does not say so.
        "service_identity>=21.1",
        "zope.interface>=5.4",
    ],
    extras_require={
        # CD-ROMs with user_data, where user_data_delivery asks for them.
        "iso": ["pycdlib>=1.12"],
        # Metrics in the form that Prometheus reads.
        "metrics": ["prometheus_client>=0.9"],
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
