"""Tables of the form of well-known ones: their columns and how they are written, no row of them.

The numbers are random; a rule with noise connects them with the label, so that a network scores
well above guessing and below perfection. Each maker writes the files into a folder.
"""

from __future__ import annotations

import datetime
import gzip
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np


def write(path: Path, rows: Iterable[Sequence[object]], mark: str = ",", end: str = "\n") -> Path:
    """Write rows of cells, of which none needs quotation marks."""
    path.write_text("".join(mark.join(map(str, row)) + end for row in rows), encoding="utf-8")
    return path


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


# 1 Census: headerless, a blank after each comma, ? for a missing cell

CENSUS = ("age", "workclass", "fnlwgt", "education", "education-num", "marital-status")
CENSUS += ("occupation", "sex", "capital-gain", "hours-per-week", "native-country", "income")


def census_rows(rng, count):
    education = ("Bachelors", "HS-grad", "11th", "Masters", "Some-college")
    years = {"Bachelors": 13, "HS-grad": 9, "11th": 7, "Masters": 14, "Some-college": 10}
    for _ in range(count):
        school = rng.choice(education)
        age, hours = int(rng.integers(17, 80)), int(rng.integers(10, 70))
        gain = int(rng.integers(2000, 20000)) if rng.random() < 0.1 else 0
        married = rng.choice(("Married-civ-spouse", "Never-married", "Divorced"))
        z = 0.6 * (years[school] - 11) + 0.06 * (hours - 40) + 3 * (married[0] == "M") - 2
        z += 5 * (gain > 0) + 0.04 * (age - 40)
        work = rng.choice(("Private", "State-gov", "Self-emp-inc", "?"), p=(0.7, 0.12, 0.12, 0.06))
        job = "?" if work == "?" else rng.choice(("Sales", "Adm-clerical", "Exec-managerial"))
        country = rng.choice(("United-States", "Mexico", "?"), p=(0.9, 0.07, 0.03))
        label = ">50K" if rng.random() < sigmoid(1.5 * z) else "<=50K"
        sex = rng.choice(("Male", "Female"))
        number = int(rng.integers(20_000, 900_000))
        yield (age, work, number, school, years[school], married, job, sex, gain, hours, country,
               label)  # fmt: skip


def census(folder, rng, count=500):
    """adult.data, and adult.test: a first line of its own, and labels that end in a point."""
    write(folder / "adult.data", census_rows(rng, count), ", ")
    test = write(folder / "adult.test", census_rows(rng, count // 3), ", ", ".\n")
    test.write_text("|1x3 Cross validator\n" + test.read_text())
    with open(folder / "adult.data", "a") as file:
        file.write("\n")  # as the published one ends


# 2 Breast cancer: headerless, an id first, the class second


def cancer(folder, rng, count=300):
    rows = []
    for _ in range(count):
        ill = rng.random() < 0.37
        means = np.array([14, 19, 92, 650, 0.1, 0.1, 0.09, 0.05, 0.18, 0.06])
        size = 1 + 0.35 * (ill - 0.37) + 0.12 * rng.normal(size=10)
        mean = means * size
        error, worst = mean * 0.05 * rng.uniform(0.5, 2, 10), mean * rng.uniform(1.1, 1.4, 10)
        values = [f"{v:.4g}" for v in (*mean, *error, *worst)]
        rows.append((int(rng.integers(8000, 92_000_000)), "MB"[not ill], *values))
    write(folder / "wdbc.data", rows)


# 3 Wine: semicolons, names in quotation marks

WINE = ("fixed acidity", "volatile acidity", "citric acid", "residual sugar", "chlorides")
WINE += ("free sulfur dioxide", "total sulfur dioxide", "density", "pH", "sulphates", "alcohol")


def wine(folder, rng, count=500):
    lines = [";".join(f'"{name}"' for name in (*WINE, "quality"))]
    for _ in range(count):
        scale = np.array([8, 0.5, 0.3, 2.5, 0.09, 16, 46, 0.997, 3.3, 0.66, 10.4])
        width = np.array([0.2, 0.3, 0.6, 0.5, 0.5, 0.6, 0.7, 0.002, 0.05, 0.25, 0.1])
        z = rng.normal(size=11)
        x = np.abs(scale * (1 + width * z))
        quality = 5.6 + 0.6 * z[10] - 0.5 * z[1] + 0.3 * z[9] + 0.3 * rng.normal()
        cells = [f"{v:.4g}" for v in x]
        lines.append(";".join([*cells, str(int(np.clip(np.round(quality), 3, 8)))]))
    (folder / "winequality-red.csv").write_text("\n".join(lines) + "\n")


# 4 Housing: prices of 1e5, missing cells, a column of texts at the end


def housing(folder, rng, count=600):
    names = ("longitude", "latitude", "housing_median_age", "total_rooms", "total_bedrooms")
    names += ("population", "households", "median_income", "median_house_value", "ocean_proximity")
    rows = [names]
    for _ in range(count):
        near = rng.choice(
            ("<1H OCEAN", "INLAND", "NEAR BAY", "NEAR OCEAN"), p=(0.4, 0.3, 0.2, 0.1)
        )
        income, rooms = rng.gamma(4, 1.0), int(rng.integers(200, 6000))
        bedrooms = "" if rng.random() < 0.05 else rooms // 5
        age = "NA" if rng.random() < 0.02 else int(rng.integers(1, 53))
        price = 45_000 * income + 60_000 * (near != "INLAND") + 20_000 * rng.normal()
        rows.append((f"{-119 + rng.normal():.2f}", f"{36 + rng.normal():.2f}", age, f"{rooms}.0",
                     bedrooms, rooms // 2, rooms // 6, f"{income:.4f}",
                     f"{max(price, 15_000):.1f}", near))  # fmt: skip
    write(folder / "housing.csv", rows)


# 5 Digits: the label first, then a column for each pixel


def pictures(rng, count, size=8):
    """Bars and dots of 0 to 255 with noise, (count, size·size), and their class of 0 to 3."""
    t = np.arange(count) % 4
    x = rng.uniform(0, 60, (count, size, size))
    for image, k in zip(x, t, strict=True):
        at = int(rng.integers(1, size - 2))
        if k == 0:
            image[at, 1:-1] += 180
        elif k == 1:
            image[1:-1, at] += 180
        elif k == 2:
            image[range(1, size - 1), range(1, size - 1)] += 180
        else:
            image[at : at + 2, at : at + 2] += 180
    order = rng.permutation(count)
    return x.reshape(count, -1)[order].astype(int), t[order]


def digits(folder, rng, count=400):
    """digits.csv without a header; train.csv and test.csv as Kaggle passes them around."""
    x, t = pictures(rng, count)
    write(folder / "digits.csv", [(k, *row) for k, row in zip(t, x, strict=True)])
    pixels = [f"pixel{k}" for k in range(64)]
    rows = [(k, *row) for k, row in zip(t, x, strict=True)]
    write(folder / "train.csv", [("label", *pixels), *rows])
    x, t = pictures(rng, 80)
    write(folder / "test.csv", [pixels, *x])
    return t


# 6 A questionnaire: weights, persons who answer several times, free texts, dates

ANSWERS = ("strongly disagree", "disagree", "neutral", "agree", "strongly agree")


def questionnaire(folder, rng, count=160):
    lines = ["person;date;weight;q1;q2;q3;age_group;remarks;would_recommend"]
    for person in range(count):
        mood, age = rng.normal(), rng.choice(("18-29", "30-49", "50+"))
        weight = f"{rng.uniform(0.3, 3):.3f}"
        for _ in range(3):
            q = np.clip(np.round(2 + mood + 0.6 * rng.normal(size=3)), 0, 4).astype(int)
            day = datetime.date(2024, 1, 1) + datetime.timedelta(int(rng.integers(0, 300)))
            words = [ANSWERS[k] if rng.random() > 0.03 else "" for k in q]
            remark = "" if rng.random() < 0.7 else f'"well; {rng.integers(1e9)} said ""so"""'
            yes = "yes" if mood + 0.3 * rng.normal() > 0 else "no"
            lines.append(";".join((f"P{person:03d}", day.isoformat(), weight, *words, age, remark,
                                   yes)))  # fmt: skip
    (folder / "survey.csv").write_text("\n".join(lines) + "\n")


# 7 A German export: CP1252, semicolons, decimal commas, points between thousands


def german(number, digits=2):
    """A number as it is written in German: 1.234,50."""
    return f"{number:,.{digits}f}".translate(str.maketrans(",.", ".,"))


def german_export(folder, rng, count=300):
    lines = ["Kunden-Nr;Größe;Fläche (m²);Umsatz;Straßentyp;Datum;Kündigung"]
    for k in range(count):
        size, sales = rng.normal(170, 10), rng.gamma(3, 900)
        kind = rng.choice(("Gasse", "Straße", "Allee"))
        z = (2700 - sales) / 600 + 2 * (kind == "Gasse")
        day = datetime.date(2023, 1, 1) + datetime.timedelta(int(rng.integers(0, 700)))
        lines.append(";".join((f"{10_000 + k}", german(size, 1), german(rng.uniform(20, 2000), 1),
                               german(sales), kind, f"{day:%d.%m.%Y}",
                               "ja" if rng.random() < sigmoid(3 * z) else "nein")))  # fmt: skip
    (folder / "Kunden.csv").write_bytes(("\r\n".join(lines) + "\r\n").encode("cp1252"))


# 8 A workbook: a title, a note on another sheet, dates, #N/A


def workbook(folder, rng, count=250):
    from openpyxl import Workbook

    book = Workbook()
    notes = book.active
    notes.title = "Read me"
    notes.append(["Prepared by", "the laboratory"])
    notes.append(["Status", "final"])
    sheet = book.create_sheet("Measurements")
    sheet.append(["Measurements of the year"])
    sheet.append([])
    sheet.append(["Sample", "Date", "Temperature", "Pressure", "Operator", "Result"])
    for k in range(count):
        heat, pressure = rng.normal(60, 10), rng.normal(1.2, 0.2)
        who = rng.choice(("Ann", "Bo", "Cy"))
        good = (heat - 60) / 10 + (pressure - 1.2) / 0.2 + 0.4 * rng.normal() > 0
        day = datetime.datetime(2024, 3, 1) + datetime.timedelta(hours=7 * k)
        shown = "#N/A" if rng.random() < 0.04 else round(heat, 2)
        sheet.append([f"S-{k:04d}", day, shown, round(pressure, 3), who, "ok" if good else "fail"])
    book.save(folder / "lab.xlsx")


# 9 A pair of train.csv and test.csv, without labels, to be answered by a file of predictions


def titanic_row(rng, k):
    sex, cls = rng.choice(("male", "female")), int(rng.integers(1, 4))
    age = "" if rng.random() < 0.2 else f"{rng.uniform(1, 75):.0f}"
    title = "Mr." if sex == "male" else "Mrs."
    name = f'"Smith{rng.integers(1e6)}, {title} J."'
    cabin = f"C{rng.integers(1, 150)}" if rng.random() < 0.22 else ""
    fare, port = (
        f"{rng.gamma(2, 20) / cls:.4f}",
        rng.choice(("S", "C", "Q", ""), p=(0.7, 0.2, 0.09, 0.01)),
    )
    z = 3 * (sex == "female") - 1.2 * (cls - 2) - 1.5
    survived = int(rng.random() < sigmoid(1.5 * z))
    ticket = f"A/{rng.integers(1, 9)} {rng.integers(1000, 99999)}"
    rest = (cls, name, sex, age, int(rng.integers(0, 4)), int(rng.integers(0, 3)), ticket, fare,
            cabin, port)  # fmt: skip
    return survived, rest


TITANIC = ("Pclass", "Name", "Sex", "Age", "SibSp", "Parch", "Ticket", "Fare", "Cabin", "Embarked")


def titanic(folder, rng, count=500):
    rows = [("PassengerId", "Survived", *TITANIC)]
    for k in range(count):
        survived, rest = titanic_row(rng, k)
        rows.append((k + 1, survived, *rest))
    write(folder / "train.csv", rows)
    rows, truth = [("PassengerId", *TITANIC)], []
    for k in range(200):
        survived, rest = titanic_row(rng, k)
        truth.append(survived)
        rows.append((count + k + 1, *rest))
    write(folder / "test.csv", rows)
    return np.array(truth)


# 10 A time series: what sensors say at each time, and a value to predict


def sensors(folder, rng, count=600):
    rows = [("timestamp", "temp_in", "temp_out", "humidity", "load_kw")]
    begin = datetime.datetime(2024, 1, 1)
    for k in range(count):
        out = 8 * np.sin(2 * np.pi * k / 144) + 10 + rng.normal()
        inside, humidity = 20 + 0.1 * out + 0.3 * rng.normal(), 50 + 10 * rng.normal()
        load = 300 - 12 * out + 2 * (humidity - 50) + 10 * rng.normal()
        when = begin + datetime.timedelta(minutes=10 * k)
        rows.append((f"{when:%Y-%m-%d %H:%M:%S}", f"{inside:.2f}", f"{out:.2f}",
                     f"{humidity:.1f}", f"{load:.1f}"))  # fmt: skip
    write(folder / "sensors.csv", rows)


# Beside the ten: labels in several columns or in one cell, letters alone, blanks, pandas' index


def small_tables(folder, rng, count=300):
    """films, tagged, flowers (.csv), agaricus.data, blanks.data and pandas.csv.gz."""
    x = rng.normal(size=(count, 4))
    cells = [[f"{v:.3f}" for v in row] for row in x]
    tags = (x[:, :3] + 0.3 * rng.normal(size=(count, 3)) > 0).astype(int)
    words = np.array(["Comedy", "Drama", "Action"])
    films = [(*row, *t) for row, t in zip(cells, tags, strict=True)]
    write(folder / "films.csv", [("a", "b", "c", "d", *words), *films])
    lists = ["|".join(words[t == 1]) for t in tags]
    tagged = [(*row, cell) for row, cell in zip(cells, lists, strict=True)]
    write(folder / "tagged.csv", [("a", "b", "c", "d", "genres"), *tagged])
    best = np.eye(3, dtype=int)[np.argmax(x[:, :3] + 0.2 * rng.normal(size=(count, 3)), axis=1)]
    flowers = [(*row, *t) for row, t in zip(cells, best, strict=True)]
    write(folder / "flowers.csv", [("a", "b", "c", "d", "red", "green", "blue"), *flowers])
    letters = []
    for t in tags[:, 0]:
        smell = rng.choice(list("fy" if t else "al")) if rng.random() < 0.95 else "n"
        others = [rng.choice(list("abcxyz")) for _ in range(5)]
        letters.append(("ep"[t], smell, *others, rng.choice(list("xb?")), "p"))
    write(folder / "agaricus.data", letters)
    sums = 2 * x[:, 0] - x[:, 1] + 0.2 * rng.normal(size=count)
    blanks = [("", *row, f"{t:.3f}") for row, t in zip(cells, sums, strict=True)]
    write(folder / "blanks.data", blanks, "   ")
    rows = [(k, *row, t) for k, (row, t) in enumerate(zip(cells, tags[:, 0], strict=True))]
    text = "".join(",".join(map(str, row)) + "\n" for row in [("", *"abcd", "y"), *rows])
    (folder / "pandas.csv.gz").write_bytes(gzip.compress(text.encode()))
